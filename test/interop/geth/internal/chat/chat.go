// Package chat is the protocol of examples/chat.mjs for geth's p2p.Server: message 0 is a line of UTF-8.
package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/ethereum/go-ethereum/p2p"

	"rlpxd/test/interop/geth/internal/lines"
)

const (
	sayMsg      = 0
	maxSayBytes = 1024
)

// Room is everyone who speaks chat with us.
type Room struct {
	mu      sync.Mutex
	writers map[string]p2p.MsgReadWriter
}

// Protocol is what a p2p.Server offers; what its peers say is printed as {"event":"chat.said"}.
func (r *Room) Protocol() p2p.Protocol {
	return p2p.Protocol{Name: "chat", Version: 1, Length: 1, Run: r.run}
}

func (r *Room) run(peer *p2p.Peer, rw p2p.MsgReadWriter) (err error) {
	id := peer.ID().String()
	r.mu.Lock()
	if r.writers == nil {
		r.writers = make(map[string]p2p.MsgReadWriter)
	}
	r.writers[id] = rw
	r.mu.Unlock()
	lines.Print(map[string]any{"event": "chat.here", "peer": id, "inbound": peer.Inbound(), "caps": fmt.Sprint(peer.Caps())})
	defer func() {
		r.mu.Lock()
		delete(r.writers, id)
		r.mu.Unlock()
		lines.Print(map[string]any{"event": "chat.gone", "peer": id, "error": fmt.Sprint(err)})
	}()
	for {
		words, err := read(rw)
		if err != nil {
			return err
		}
		lines.Print(map[string]any{"event": "chat.said", "peer": id, "words": words})
	}
}

func read(rw p2p.MsgReader) (string, error) {
	msg, err := rw.ReadMsg()
	if err != nil {
		return "", err
	}
	defer msg.Discard()
	if msg.Code != sayMsg {
		return "", fmt.Errorf("message %d", msg.Code)
	}
	if msg.Size > maxSayBytes {
		return "", fmt.Errorf("%d bytes are too many", msg.Size)
	}
	words, err := io.ReadAll(msg.Payload)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(words) {
		return "", errors.New("no UTF-8")
	}
	return string(words), nil
}

// command is one line of stdin: {"op":"say","words":"…"}; Code and Count where they are not 0 and 1.
type command struct {
	Op    string
	Words string
	Code  uint64
	Count int
}

// Listen carries out commands until the input ends, and prints the result of each.
func (r *Room) Listen(input io.Reader) {
	for decoder := json.NewDecoder(input); ; {
		var c command
		if err := decoder.Decode(&c); err != nil {
			return
		}
		result := map[string]any{"event": "result", "op": c.Op}
		if err := r.do(c); err != nil {
			result["error"] = err.Error()
		}
		lines.Print(result)
	}
}

func (r *Room) do(c command) error {
	if c.Op != "say" {
		return fmt.Errorf("unknown command %q", c.Op)
	}
	for i := 0; i < max(1, c.Count); i++ {
		if err := r.say(c.Code, []byte(c.Words)); err != nil {
			return err
		}
	}
	return nil
}

// say sends to all peers; what is said need not be chat.
func (r *Room) say(code uint64, words []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rw := range r.writers {
		msg := p2p.Msg{Code: code, Size: uint32(len(words)), Payload: bytes.NewReader(words)}
		if err := rw.WriteMsg(msg); err != nil {
			return err
		}
	}
	return nil
}
