// Copyright (c) 2026 Cloud-Barista
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/binary"
	"log"

	"github.com/flynn/noise"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.zx2c4.com/wireguard/device"
)

const (
	prologue            = "WireGuard v1 zx2c4 Jason@zx2c4.com"
	typeInitiation      = 1
	typeResponse        = 2
	typeTransport       = 4
	macsSize            = 32
	initiationBodyStart = 8
	responseBodyStart   = 12
	transportBodyStart  = 16
)

// Suite is one AEAD, in the handshake and for packets.
type Suite struct {
	construction string
	noise        noise.CipherSuite
	aead         func(key []byte) (cipher.AEAD, error)
}

var suites = []Suite{
	newSuite(noise.CipherChaChaPoly, chacha20poly1305.New),
	newSuite(noise.CipherAESGCM, newAESGCM),
}

func newSuite(function noise.CipherFunc, aead func([]byte) (cipher.AEAD, error)) Suite {
	suite := noise.NewCipherSuite(noise.DH25519, function, noise.HashBLAKE2s)
	return Suite{"Noise_IKpsk2_" + string(suite.Name()), suite, aead}
}

func newAESGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	must(err)
	return cipher.NewGCM(block)
}

// computed makes a handshake from keys that depend on its name only.
func computed(suite Suite, preshared bool) Handshake {
	h := Handshake{Name: "computed-" + suite.construction, Construction: suite.construction, PresharedKey: make(Hex, 32)}
	if preshared {
		h.Name += "-psk"
		h.PresharedKey = secret(h.Name, "preshared key")
	}
	h.InitiatorPrivate, h.ResponderPrivate = secret(h.Name, "initiator"), secret(h.Name, "responder")
	h.InitiatorEphemeralPrivate = secret(h.Name, "initiator ephemeral")
	h.ResponderEphemeralPrivate = secret(h.Name, "responder ephemeral")
	// 1735689472.000917504 s after 1970: a multiple of 2^24 ns, which clocks that are coarse on purpose can tell.
	h.Timestamp = append(binary.BigEndian.AppendUint64(nil, 0x400000006774850a), 0, 0x0e, 0, 0)
	h.InitiatorIndex, h.ResponderIndex = 0x01020304, 0xf1f2f3f4
	shake(&h, suite)
	for number, counter := range []uint64{0, 1, 0x0102030405060708, 1<<64 - 1<<13 - 2} {
		plaintext := bytes.Repeat([]byte{byte(number)}, []int{0, 16, 100, 48}[number])
		h.Packets = append(h.Packets, h.packet(suite, true, counter, plaintext), h.packet(suite, false, counter, plaintext))
	}
	return h
}

func secret(parts ...string) Hex {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(part + "/"))
	}
	return hash.Sum(nil)
}

// shake fills in both messages and both keys; every message is read by the other side, too.
func shake(h *Handshake, suite Suite) {
	initiator, responder := h.states(suite)
	first, _, _, err := initiator.WriteMessage(header(typeInitiation, h.InitiatorIndex), h.Timestamp)
	must(err)
	timestamp, _, _, err := responder.ReadMessage(nil, first[initiationBodyStart:])
	must(err)
	second, receiving, sending, err := responder.WriteMessage(header(typeResponse, h.ResponderIndex, h.InitiatorIndex), nil)
	must(err)
	_, initiatorSending, initiatorReceiving, err := initiator.ReadMessage(nil, second[responseBodyStart:])
	must(err)
	toResponder, toInitiator := receiving.UnsafeKey(), sending.UnsafeKey()
	if initiatorSending.UnsafeKey() != toResponder || initiatorReceiving.UnsafeKey() != toInitiator ||
		!bytes.Equal(timestamp, h.Timestamp) {
		log.Fatal("both sides of ", h.Name, " disagree")
	}
	h.Initiation = withMacs(first, h.ResponderPrivate)
	h.Response = withMacs(second, h.InitiatorPrivate)
	h.InitiatorToResponderKey, h.ResponderToInitiatorKey = toResponder[:], toInitiator[:]
}

// states of initiator and responder before the first message.
func (h *Handshake) states(suite Suite) (*noise.HandshakeState, *noise.HandshakeState) {
	config := noise.Config{
		CipherSuite: suite.noise, Pattern: noise.HandshakeIK, Prologue: []byte(prologue),
		PresharedKey: h.PresharedKey, PresharedKeyPlacement: 2,
	}
	responderConfig := config
	responderConfig.StaticKeypair = keyPair(h.ResponderPrivate)
	responderConfig.Random = bytes.NewReader(h.ResponderEphemeralPrivate)
	config.Initiator = true
	config.StaticKeypair = keyPair(h.InitiatorPrivate)
	config.Random = bytes.NewReader(h.InitiatorEphemeralPrivate)
	config.PeerStatic = responderConfig.StaticKeypair.Public
	initiator, err := noise.NewHandshakeState(config)
	must(err)
	responder, err := noise.NewHandshakeState(responderConfig)
	must(err)
	return initiator, responder
}

func keyPair(private []byte) noise.DHKey {
	key, err := ecdh.X25519().NewPrivateKey(private)
	must(err)
	return noise.DHKey{Private: private, Public: key.PublicKey().Bytes()}
}

func header(words ...uint32) []byte {
	var packed []byte
	for _, word := range words {
		packed = binary.LittleEndian.AppendUint32(packed, word)
	}
	return packed
}

func withMacs(message []byte, receiverPrivate []byte) []byte {
	var generator device.CookieGenerator
	generator.Init(device.NoisePublicKey(keyPair(receiverPrivate).Public))
	complete := append(message, make([]byte, macsSize)...)
	generator.AddMacs(complete)
	return complete
}

func (h *Handshake) packet(suite Suite, fromInitiator bool, counter uint64, plaintext []byte) Packet {
	key, receiver := h.InitiatorToResponderKey, h.ResponderIndex
	if !fromInitiator {
		key, receiver = h.ResponderToInitiatorKey, h.InitiatorIndex
	}
	aead, err := suite.aead(key)
	must(err)
	datagram := binary.LittleEndian.AppendUint64(header(typeTransport, receiver), counter)
	return Packet{fromInitiator, counter, plaintext, aead.Seal(datagram, nonce(counter), plaintext, nil)}
}

// nonce of WireGuard, which both suites use for packets.
func nonce(counter uint64) []byte {
	return binary.LittleEndian.AppendUint64(make([]byte, 4), counter)
}

// check computes a handshake again, so that what was recorded is confirmed by a second implementation.
func check(h Handshake) {
	for _, suite := range suites {
		if suite.construction != h.Construction {
			continue
		}
		again := h
		again.Packets = nil
		shake(&again, suite)
		if !bytes.Equal(again.Initiation, h.Initiation) || !bytes.Equal(again.Response, h.Response) {
			log.Fatal("two implementations disagree about ", h.Name)
		}
		for _, packet := range h.Packets {
			sealed := again.packet(suite, packet.FromInitiator, packet.Counter, packet.Plaintext)
			if !bytes.Equal(sealed.Datagram, packet.Datagram) {
				log.Fatal("two implementations disagree about a packet of ", h.Name)
			}
		}
		return
	}
	log.Fatal("no suite is called ", h.Construction)
}
