// Copyright (c) 2026 Cloud-Barista
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"log"

	"golang.zx2c4.com/wireguard/device"
)

// Cookie is what a loaded device answers to a handshake message, and the same message with the cookie's mac.
type Cookie struct {
	Name            string `json:"name"`
	ReceiverPrivate Hex    `json:"receiver_private"`
	// Source is the endpoint in the text form that both implementations are given here.
	Source     string `json:"source"`
	Secret     Hex    `json:"secret"`
	Nonce      Hex    `json:"nonce"`
	Asking     Hex    `json:"asking"`
	Reply      Hex    `json:"reply"`
	AskedAgain Hex    `json:"asked_again"`
}

func cookieForInitiation(h Handshake) Cookie {
	return cookie("initiation", h.ResponderPrivate, h.Initiation, "192.0.2.1:8001")
}

func cookieForResponse(h Handshake) Cookie {
	return cookie("response", h.InitiatorPrivate, h.Response, "[2001:db8::1]:8002")
}

func cookie(name string, receiverPrivate, message Hex, source string) Cookie {
	c := Cookie{Name: name, ReceiverPrivate: receiverPrivate, Source: source, Asking: message}
	c.Secret, c.Nonce = secret(name, "secret"), secret(name, "nonce")[:24]
	public := device.NoisePublicKey(keyPair(receiverPrivate).Public)
	var checker device.CookieChecker
	var generator device.CookieGenerator
	checker.Init(public)
	generator.Init(public)
	generator.AddMacs(bytes.Clone(message))
	reply := c.reply(&checker)
	if !generator.ConsumeReply(reply) {
		log.Fatal("the cookie does not answer the message")
	}
	c.AskedAgain = bytes.Clone(message)
	generator.AddMacs(c.AskedAgain)
	if !checker.CheckMAC1(c.AskedAgain) || !checker.CheckMAC2(c.AskedAgain, []byte(source)) {
		log.Fatal("the cookie does not convince its maker")
	}
	return c
}

// reply is what the checker answers when its random source gives our secret and our nonce.
func (c *Cookie) reply(checker *device.CookieChecker) *device.MessageCookieReply {
	source := rand.Reader
	rand.Reader = bytes.NewReader(append(bytes.Clone(c.Secret), c.Nonce...))
	defer func() { rand.Reader = source }()
	reply, err := checker.CreateReply(c.Asking, binary.LittleEndian.Uint32(c.Asking[4:]), []byte(c.Source))
	must(err)
	var packed bytes.Buffer
	must(binary.Write(&packed, binary.LittleEndian, reply))
	c.Reply = packed.Bytes()
	return reply
}
