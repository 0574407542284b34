// Command chatpeer is a peer that speaks chat and nothing else: geth's p2p.Server with a p2p.Protocol of its own. It
// prints JSON lines: first {"event":"ready"}, then who is there, what they say, and who has gone. What to say comes
// on stdin; it ends when that is closed, or on SIGTERM.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/p2p/enode"

	"rlpxd/test/interop/geth/internal/chat"
	"rlpxd/test/interop/geth/internal/lines"
)

func main() {
	dial := flag.String("dial", "", "enode URL to dial, and again after every end")
	flag.Parse()
	if err := run(*dial); err != nil {
		fmt.Fprintln(os.Stderr, "chatpeer:", err)
		os.Exit(1)
	}
}

func run(dial string) error {
	key, err := crypto.GenerateKey()
	if err != nil {
		return err
	}
	var room chat.Room
	server := p2p.Server{Config: p2p.Config{
		PrivateKey:  key,
		Name:        "chatpeer/v1",
		ListenAddr:  "127.0.0.1:0",
		NoDiscovery: true,
		MaxPeers:    10,
		DialRatio:   2,
		Protocols:   []p2p.Protocol{room.Protocol()},
	}}
	if err := server.Start(); err != nil {
		return err
	}
	defer server.Stop()
	events := make(chan *p2p.PeerEvent, 64)
	subscription := server.SubscribeEvents(events)
	defer subscription.Unsubscribe()
	lines.Print(map[string]any{"event": "ready", "enode": server.Self().URLv4(), "id": server.Self().ID().String()})
	if dial != "" {
		node, err := enode.ParseV4(dial)
		if err != nil {
			return err
		}
		server.AddPeer(node)
	}

	stopped := lines.Stopped(room.Listen)
	for {
		select {
		case e := <-events:
			lines.Print(map[string]any{"event": "peer." + string(e.Type), "peer": e.Peer.String(), "error": e.Error})
		case <-stopped:
			return nil
		}
	}
}
