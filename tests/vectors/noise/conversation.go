// Copyright (c) 2026 Cloud-Barista
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"sync"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/conn/bindtest"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/tuntest"
)

const payload = "the quick brown fox"

// Tape keeps what two devices draw from the random source and what they say.
type Tape struct {
	mutex     sync.Mutex
	source    io.Reader
	drawn     [][]byte
	datagrams [][]byte
}

// Read is the random source of the process.
func (t *Tape) Read(target []byte) (int, error) {
	size, err := io.ReadFull(t.source, target)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.drawn = append(t.drawn, bytes.Clone(target))
	return size, err
}

// TappedBind is a socket that puts what it sends on a tape.
type TappedBind struct {
	conn.Bind
	tape *Tape
}

func (b TappedBind) Send(datagrams [][]byte, to conn.Endpoint) error {
	b.tape.mutex.Lock()
	for _, datagram := range datagrams {
		b.tape.datagrams = append(b.tape.datagrams, bytes.Clone(datagram))
	}
	b.tape.mutex.Unlock()
	return b.Bind.Send(datagrams, to)
}

// recorded lets two devices of wireguard-go exchange a packet in each direction.
func recorded(preshared bool) Handshake {
	h := Handshake{Name: "recorded", Construction: suites[0].construction, PresharedKey: make(Hex, 32)}
	if preshared {
		h.Name += "-psk"
		h.PresharedKey = secret(h.Name, "preshared key")
	}
	h.InitiatorPrivate, h.ResponderPrivate = clamped(secret(h.Name, "initiator")), clamped(secret(h.Name, "responder"))
	tape := &Tape{source: rand.Reader}
	rand.Reader = tape
	defer func() { rand.Reader = tape.source }()
	h.converse(tape)
	h.transcribe(tape)
	return h
}

// clamped is what wireguard-go makes of a private key that it generates, and expects of one that it is given.
func clamped(private Hex) Hex {
	private[0] &= 248
	private[31] = private[31]&127 | 64
	return private
}

func (h *Handshake) converse(tape *Tape) {
	binds := bindtest.NewChannelBinds()
	first, second := tuntest.NewChannelTUN(), tuntest.NewChannelTUN()
	initiator := start(first, TappedBind{binds[0], tape}, h.InitiatorPrivate, h.ResponderPrivate, h.PresharedKey, "10.0.0.2", 1)
	defer initiator.Close()
	responder := start(second, TappedBind{binds[1], tape}, h.ResponderPrivate, h.InitiatorPrivate, h.PresharedKey, "10.0.0.1", 2)
	defer responder.Close()
	first.Outbound <- innerPacket(1, 2)
	<-second.Inbound
	second.Outbound <- innerPacket(2, 1)
	<-first.Inbound
}

func start(tun *tuntest.ChannelTUN, bind conn.Bind, private, remotePrivate, preshared Hex, remote string, port int) *device.Device {
	started := device.NewDevice(tun.TUN(), bind, device.NewLogger(device.LogLevelError, ""))
	must(started.IpcSet(fmt.Sprintf(
		"private_key=%x\npublic_key=%x\npreshared_key=%x\nallowed_ip=%s/32\nendpoint=127.0.0.1:%d\n",
		[]byte(private), keyPair(remotePrivate).Public, []byte(preshared), remote, port,
	)))
	must(started.Up())
	return started
}

// innerPacket is an IPv4 packet of 39 bytes, so that it needs padding.
func innerPacket(source, destination byte) []byte {
	header := []byte{
		0x45, 0, 0, byte(20 + len(payload)), 0, 0, 0, 0, 64, 253, 0, 0,
		10, 0, 0, source, 10, 0, 0, destination,
	}
	return append(header, payload...)
}

// transcribe finds out which of the drawn bytes were the ephemeral keys, and reads the rest from the messages.
func (h *Handshake) transcribe(tape *Tape) {
	h.Initiation, h.Response = tape.datagrams[0], tape.datagrams[1]
	if len(h.Initiation) != device.MessageInitiationSize || len(h.Response) != device.MessageResponseSize {
		log.Fatal("the conversation did not begin with a handshake; try again")
	}
	h.InitiatorIndex = binary.LittleEndian.Uint32(h.Initiation[4:])
	h.ResponderIndex = binary.LittleEndian.Uint32(h.Response[4:])
	h.InitiatorEphemeralPrivate = tape.privateOf(h.Initiation[8:40])
	h.ResponderEphemeralPrivate = tape.privateOf(h.Response[12:44])
	_, responder := h.states(suites[0])
	timestamp, _, _, err := responder.ReadMessage(nil, h.Initiation[initiationBodyStart:len(h.Initiation)-macsSize])
	must(err)
	h.Timestamp = timestamp
	again := *h
	shake(&again, suites[0])
	h.InitiatorToResponderKey, h.ResponderToInitiatorKey = again.InitiatorToResponderKey, again.ResponderToInitiatorKey
	for _, datagram := range tape.datagrams[2:] {
		h.Packets = append(h.Packets, h.opened(datagram))
	}
}

func (t *Tape) privateOf(public []byte) Hex {
	for _, drawn := range t.drawn {
		if len(drawn) == 32 && bytes.Equal(keyPair(drawn).Public, public) {
			return drawn
		}
	}
	log.Fatal("an ephemeral key did not come from the random source")
	return nil
}

func (h *Handshake) opened(datagram []byte) Packet {
	key, fromInitiator := h.InitiatorToResponderKey, true
	if binary.LittleEndian.Uint32(datagram[4:]) == h.InitiatorIndex {
		key, fromInitiator = h.ResponderToInitiatorKey, false
	}
	aead, err := suites[0].aead(key)
	must(err)
	counter := binary.LittleEndian.Uint64(datagram[8:])
	plaintext, err := aead.Open(nil, nonce(counter), datagram[transportBodyStart:], nil)
	must(err)
	return Packet{fromInitiator, counter, plaintext, datagram}
}
