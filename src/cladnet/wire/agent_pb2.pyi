# mypy: disable-error-code="type-arg"
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HostState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOST_STATE_UNSPECIFIED: _ClassVar[HostState]
    HOST_STATE_CONFIGURING: _ClassVar[HostState]
    HOST_STATE_TUNNELING: _ClassVar[HostState]
    HOST_STATE_DEGRADED: _ClassVar[HostState]
    HOST_STATE_CLOSING: _ClassVar[HostState]
    HOST_STATE_RELEASED: _ClassVar[HostState]
    HOST_STATE_FAILED: _ClassVar[HostState]

class Suite(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SUITE_UNSPECIFIED: _ClassVar[Suite]
    SUITE_CHACHA20_POLY1305: _ClassVar[Suite]
    SUITE_AES_256_GCM: _ClassVar[Suite]
HOST_STATE_UNSPECIFIED: HostState
HOST_STATE_CONFIGURING: HostState
HOST_STATE_TUNNELING: HostState
HOST_STATE_DEGRADED: HostState
HOST_STATE_CLOSING: HostState
HOST_STATE_RELEASED: HostState
HOST_STATE_FAILED: HostState
SUITE_UNSPECIFIED: Suite
SUITE_CHACHA20_POLY1305: Suite
SUITE_AES_256_GCM: Suite

class Endpoint(_message.Message):
    __slots__ = ("address", "port")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    address: str
    port: int
    def __init__(self, address: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class Cloud(_message.Message):
    __slots__ = ("provider", "region", "zone", "vnet", "subnet")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    VNET_FIELD_NUMBER: _ClassVar[int]
    SUBNET_FIELD_NUMBER: _ClassVar[int]
    provider: str
    region: str
    zone: str
    vnet: str
    subnet: str
    def __init__(self, provider: _Optional[str] = ..., region: _Optional[str] = ..., zone: _Optional[str] = ..., vnet: _Optional[str] = ..., subnet: _Optional[str] = ...) -> None: ...

class ReportRequest(_message.Message):
    __slots__ = ("public_key", "public_endpoint", "private_endpoints", "occupied_networks", "mtu", "cloud", "state", "reason", "agent_version", "is_down", "rekeys_done", "suites")
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    OCCUPIED_NETWORKS_FIELD_NUMBER: _ClassVar[int]
    MTU_FIELD_NUMBER: _ClassVar[int]
    CLOUD_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AGENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    IS_DOWN_FIELD_NUMBER: _ClassVar[int]
    REKEYS_DONE_FIELD_NUMBER: _ClassVar[int]
    SUITES_FIELD_NUMBER: _ClassVar[int]
    public_key: bytes
    public_endpoint: Endpoint
    private_endpoints: _containers.RepeatedCompositeFieldContainer[Endpoint]
    occupied_networks: _containers.RepeatedScalarFieldContainer[str]
    mtu: int
    cloud: Cloud
    state: HostState
    reason: str
    agent_version: str
    is_down: bool
    rekeys_done: int
    suites: _containers.RepeatedScalarFieldContainer[Suite]
    def __init__(self, public_key: _Optional[bytes] = ..., public_endpoint: _Optional[_Union[Endpoint, _Mapping]] = ..., private_endpoints: _Optional[_Iterable[_Union[Endpoint, _Mapping]]] = ..., occupied_networks: _Optional[_Iterable[str]] = ..., mtu: _Optional[int] = ..., cloud: _Optional[_Union[Cloud, _Mapping]] = ..., state: _Optional[_Union[HostState, str]] = ..., reason: _Optional[str] = ..., agent_version: _Optional[str] = ..., is_down: bool = ..., rekeys_done: _Optional[int] = ..., suites: _Optional[_Iterable[_Union[Suite, str]]] = ...) -> None: ...

class ReportReply(_message.Message):
    __slots__ = ("address", "revision")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    address: str
    revision: int
    def __init__(self, address: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("cluster_id", "revision", "orders")
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    cluster_id: int
    revision: int
    orders: Orders
    def __init__(self, cluster_id: _Optional[int] = ..., revision: _Optional[int] = ..., orders: _Optional[_Union[Orders, _Mapping]] = ...) -> None: ...

class WatchReply(_message.Message):
    __slots__ = ("snapshot", "delta", "orders", "test")
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    snapshot: Snapshot
    delta: Delta
    orders: Orders
    test: ConnectivityTest
    def __init__(self, snapshot: _Optional[_Union[Snapshot, _Mapping]] = ..., delta: _Optional[_Union[Delta, _Mapping]] = ..., orders: _Optional[_Union[Orders, _Mapping]] = ..., test: _Optional[_Union[ConnectivityTest, _Mapping]] = ...) -> None: ...

class Orders(_message.Message):
    __slots__ = ("down", "rekeys_requested")
    DOWN_FIELD_NUMBER: _ClassVar[int]
    REKEYS_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    down: bool
    rekeys_requested: int
    def __init__(self, down: bool = ..., rekeys_requested: _Optional[int] = ...) -> None: ...

class ConnectivityTest(_message.Message):
    __slots__ = ("id", "count", "timeout_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    count: int
    timeout_ms: int
    def __init__(self, id: _Optional[str] = ..., count: _Optional[int] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class Network(_message.Message):
    __slots__ = ("name", "cidr", "mtu", "rule_type", "cipher")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CIDR_FIELD_NUMBER: _ClassVar[int]
    MTU_FIELD_NUMBER: _ClassVar[int]
    RULE_TYPE_FIELD_NUMBER: _ClassVar[int]
    CIPHER_FIELD_NUMBER: _ClassVar[int]
    name: str
    cidr: str
    mtu: int
    rule_type: str
    cipher: str
    def __init__(self, name: _Optional[str] = ..., cidr: _Optional[str] = ..., mtu: _Optional[int] = ..., rule_type: _Optional[str] = ..., cipher: _Optional[str] = ...) -> None: ...

class Peer(_message.Message):
    __slots__ = ("host", "address", "public_key", "endpoint", "revision", "suites")
    HOST_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SUITES_FIELD_NUMBER: _ClassVar[int]
    host: str
    address: str
    public_key: bytes
    endpoint: Endpoint
    revision: int
    suites: _containers.RepeatedScalarFieldContainer[Suite]
    def __init__(self, host: _Optional[str] = ..., address: _Optional[str] = ..., public_key: _Optional[bytes] = ..., endpoint: _Optional[_Union[Endpoint, _Mapping]] = ..., revision: _Optional[int] = ..., suites: _Optional[_Iterable[_Union[Suite, str]]] = ...) -> None: ...

class Controller(_message.Message):
    __slots__ = ("name", "addresses")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESSES_FIELD_NUMBER: _ClassVar[int]
    name: str
    addresses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., addresses: _Optional[_Iterable[str]] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("cluster_id", "revision", "network", "peers", "controllers")
    CLUSTER_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    CONTROLLERS_FIELD_NUMBER: _ClassVar[int]
    cluster_id: int
    revision: int
    network: Network
    peers: _containers.RepeatedCompositeFieldContainer[Peer]
    controllers: _containers.RepeatedCompositeFieldContainer[Controller]
    def __init__(self, cluster_id: _Optional[int] = ..., revision: _Optional[int] = ..., network: _Optional[_Union[Network, _Mapping]] = ..., peers: _Optional[_Iterable[_Union[Peer, _Mapping]]] = ..., controllers: _Optional[_Iterable[_Union[Controller, _Mapping]]] = ...) -> None: ...

class Delta(_message.Message):
    __slots__ = ("revision", "network", "peers", "removed_hosts", "controllers", "controllers_changed")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    REMOVED_HOSTS_FIELD_NUMBER: _ClassVar[int]
    CONTROLLERS_FIELD_NUMBER: _ClassVar[int]
    CONTROLLERS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    revision: int
    network: Network
    peers: _containers.RepeatedCompositeFieldContainer[Peer]
    removed_hosts: _containers.RepeatedScalarFieldContainer[str]
    controllers: _containers.RepeatedCompositeFieldContainer[Controller]
    controllers_changed: bool
    def __init__(self, revision: _Optional[int] = ..., network: _Optional[_Union[Network, _Mapping]] = ..., peers: _Optional[_Iterable[_Union[Peer, _Mapping]]] = ..., removed_hosts: _Optional[_Iterable[str]] = ..., controllers: _Optional[_Iterable[_Union[Controller, _Mapping]]] = ..., controllers_changed: bool = ...) -> None: ...

class RenewRequest(_message.Message):
    __slots__ = ("csr_pem",)
    CSR_PEM_FIELD_NUMBER: _ClassVar[int]
    csr_pem: bytes
    def __init__(self, csr_pem: _Optional[bytes] = ...) -> None: ...

class RenewReply(_message.Message):
    __slots__ = ("certificate_pem",)
    CERTIFICATE_PEM_FIELD_NUMBER: _ClassVar[int]
    certificate_pem: bytes
    def __init__(self, certificate_pem: _Optional[bytes] = ...) -> None: ...

class FinishTestRequest(_message.Message):
    __slots__ = ("id", "error", "pings")
    ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PINGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    error: str
    pings: _containers.RepeatedCompositeFieldContainer[Ping]
    def __init__(self, id: _Optional[str] = ..., error: _Optional[str] = ..., pings: _Optional[_Iterable[_Union[Ping, _Mapping]]] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("host", "address", "reachable", "rtt_ms")
    HOST_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REACHABLE_FIELD_NUMBER: _ClassVar[int]
    RTT_MS_FIELD_NUMBER: _ClassVar[int]
    host: str
    address: str
    reachable: bool
    rtt_ms: float
    def __init__(self, host: _Optional[str] = ..., address: _Optional[str] = ..., reachable: bool = ..., rtt_ms: _Optional[float] = ...) -> None: ...

class FinishTestReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LeaveRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LeaveReply(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
