// Copyright (c) 2026 Cloud-Barista
// SPDX-License-Identifier: Apache-2.0

// Computes the handshake vectors of the unit tests with implementations that share no code with ours:
// github.com/flynn/noise for the handshake, wireguard-go for the macs and cookies and for whole conversations,
// Go's own AEADs for packets. Run "go run ." in this folder to write vectors.json again.
package main

import (
	"encoding/hex"
	"encoding/json"
	"log"
	"os"
	"runtime/debug"
)

// Hex is bytes that JSON shows as hexadecimal digits.
type Hex []byte

func (h Hex) MarshalJSON() ([]byte, error) { return json.Marshal(hex.EncodeToString(h)) }

// Packet is one transport message, in the order in which they were made.
type Packet struct {
	FromInitiator bool `json:"from_initiator"`
	// Counter is text, because JSON readers may round numbers of 64 bits.
	Counter   uint64 `json:"counter,string"`
	Plaintext Hex    `json:"plaintext"`
	Datagram  Hex    `json:"datagram"`
}

// Handshake is everything about one session, secrets included.
type Handshake struct {
	Name                      string   `json:"name"`
	Construction              string   `json:"construction"`
	InitiatorPrivate          Hex      `json:"initiator_private"`
	ResponderPrivate          Hex      `json:"responder_private"`
	InitiatorEphemeralPrivate Hex      `json:"initiator_ephemeral_private"`
	ResponderEphemeralPrivate Hex      `json:"responder_ephemeral_private"`
	PresharedKey              Hex      `json:"preshared_key"`
	Timestamp                 Hex      `json:"timestamp"`
	InitiatorIndex            uint32   `json:"initiator_index"`
	ResponderIndex            uint32   `json:"responder_index"`
	Initiation                Hex      `json:"initiation"`
	Response                  Hex      `json:"response"`
	InitiatorToResponderKey   Hex      `json:"initiator_to_responder_key"`
	ResponderToInitiatorKey   Hex      `json:"responder_to_initiator_key"`
	Packets                   []Packet `json:"packets"`
}

// Document is vectors.json.
type Document struct {
	MadeWith   map[string]string `json:"made_with"`
	Handshakes []Handshake       `json:"handshakes"`
	Cookies    []Cookie          `json:"cookies"`
}

func main() {
	log.SetFlags(0)
	document := Document{MadeWith: versions()}
	for _, suite := range suites {
		document.Handshakes = append(document.Handshakes, computed(suite, false), computed(suite, true))
	}
	document.Handshakes = append(document.Handshakes, recorded(false), recorded(true))
	for _, handshake := range document.Handshakes {
		check(handshake)
	}
	document.Cookies = []Cookie{cookieForInitiation(document.Handshakes[0]), cookieForResponse(document.Handshakes[1])}
	text, err := json.MarshalIndent(document, "", " ")
	must(err)
	must(os.WriteFile("vectors.json", append(text, '\n'), 0o644))
}

// versions of the modules that computed the vectors.
func versions() map[string]string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		log.Fatal("run this as a module: go run .")
	}
	made := map[string]string{"go": info.GoVersion}
	for _, dependency := range info.Deps {
		made[dependency.Path] = dependency.Version
	}
	return made
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
