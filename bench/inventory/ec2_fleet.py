# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""A fleet in Amazon EC2, as DescribeInstances answers: XML, a thousand instances a page."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl

from bench.inventory.numbered import address, labels

PAGE_SIZE = 1000
NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
ACTION = "DescribeInstances"


def answer(hosts: int, form: str) -> tuple[int, bytes]:
    """Status and body of a request whose body is this form; 400 for what is not listing instances."""
    asked = dict(parse_qsl(form))
    if asked.get("Action") != ACTION:
        return 400, b"<Response><Errors><Error><Code>InvalidAction</Code></Error></Errors></Response>"
    first = int(asked.get("NextToken", 0))
    numbers = range(first, min(first + PAGE_SIZE, hosts))
    token = f"<nextToken>{numbers.stop}</nextToken>" if numbers.stop < hosts else ""
    items = "".join(map(_reservation, numbers))
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><{ACTION}Response xmlns="{NAMESPACE}">'
        f"<requestId>0</requestId><reservationSet>{items}</reservationSet>{token}</{ACTION}Response>"
    )
    return 200, body.encode()


def _reservation(number: int) -> str:
    return (
        f"<item><reservationId>r-{number:017x}</reservationId><ownerId>123456789012</ownerId><groupSet/>"
        f"<instancesSet><item>{_instance(number)}</item></instancesSet></item>"
    )


def _instance(number: int) -> str:
    private, public = address(10, number), address(198, number)
    names = f"ip-{private.replace('.', '-')}.ec2.internal", f"ec2-{public.replace('.', '-')}.example"
    tags = "".join(
        f"<item><key>{key}</key><value>{value}</value></item>" for key, value in labels(number).items()
    )
    return f"""<instanceId>i-{number:017x}</instanceId><imageId>ami-0c1ad0e5b7f3a9921</imageId>
<instanceState><code>16</code><name>running</name></instanceState>
<privateDnsName>{names[0]}</privateDnsName><dnsName>{names[1]}</dnsName><reason/><keyName>shared</keyName>
<amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>t3.small</instanceType>
<launchTime>2026-09-08T08:11:30.000Z</launchTime>
<placement><availabilityZone>us-east-1{"abc"[number % 3]}</availabilityZone><groupName/>
<tenancy>default</tenancy></placement>
<monitoring><state>disabled</state></monitoring><subnetId>subnet-0a1</subnetId><vpcId>vpc-0a1</vpcId>
<privateIpAddress>{private}</privateIpAddress><ipAddress>{public}</ipAddress>
<sourceDestCheck>true</sourceDestCheck>
<groupSet><item><groupId>sg-0a1</groupId><groupName>shared</groupName></item></groupSet>
<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType>
<rootDeviceName>/dev/sda1</rootDeviceName>
<blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><volumeId>vol-{number:017x}</volumeId>
<status>attached</status><attachTime>2026-09-08T08:11:31.000Z</attachTime>
<deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>
<virtualizationType>hvm</virtualizationType><clientToken>{number}</clientToken>
<tagSet>{tags}</tagSet>
<hypervisor>xen</hypervisor>{_network_interface(number, private, public, names)}
<ebsOptimized>false</ebsOptimized><enaSupport>true</enaSupport>
<cpuOptions><coreCount>1</coreCount><threadsPerCore>2</threadsPerCore></cpuOptions>
<capacityReservationSpecification><capacityReservationPreference>open</capacityReservationPreference>
</capacityReservationSpecification><hibernationOptions><configured>false</configured></hibernationOptions>
<metadataOptions><state>applied</state><httpTokens>required</httpTokens>
<httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions>
<enclaveOptions><enabled>false</enabled></enclaveOptions><bootMode>uefi-preferred</bootMode>
<platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances</usageOperation>"""


def _tags(number: int) -> Iterable[tuple[str, str]]:
    return {"Name": f"server-{number}", **labels(number)}.items()


def _network_interface(number: int, private: str, public: str, names: tuple[str, str]) -> str:
    association = (
        f"<association><publicIp>{public}</publicIp><publicDnsName>{names[1]}</publicDnsName>"
        "<ipOwnerId>amazon</ipOwnerId></association>"
    )
    return f"""<networkInterfaceSet><item><networkInterfaceId>eni-{number:017x}</networkInterfaceId>
<subnetId>subnet-0a1</subnetId><vpcId>vpc-0a1</vpcId><description/><ownerId>123456789012</ownerId>
<status>in-use</status><macAddress>02:00:00:00:00:01</macAddress>
<privateIpAddress>{private}</privateIpAddress><privateDnsName>{names[0]}</privateDnsName>
<sourceDestCheck>true</sourceDestCheck>
<groupSet><item><groupId>sg-0a1</groupId><groupName>shared</groupName></item></groupSet>
<attachment><attachmentId>eni-attach-{number:017x}</attachmentId><deviceIndex>0</deviceIndex>
<status>attached</status><attachTime>2026-09-08T08:11:30.000Z</attachTime>
<deleteOnTermination>true</deleteOnTermination><networkCardIndex>0</networkCardIndex></attachment>
{association}<privateIpAddressesSet><item><privateIpAddress>{private}</privateIpAddress>
<privateDnsName>{names[0]}</privateDnsName><primary>true</primary>{association}</item>
</privateIpAddressesSet><ipv6AddressesSet/><interfaceType>interface</interfaceType></item>
</networkInterfaceSet>"""
