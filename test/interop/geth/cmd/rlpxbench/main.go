// Command rlpxbench is one end of RLPx connections over loopback, made of go-ethereum's p2p/rlpx, for measuring.
//
//	rlpxbench listen --work frames|handshakes [--warm-ms N]
//	rlpxbench dial PORT --work frames|handshakes --size N --content random|zeros --ms N --warm-ms N --parallel N
//
// The listener prints {"port":N}; both print one line with what they counted: the listener when its stdin is closed.
package main

import (
	"crypto/ecdsa"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/p2p/rlpx"
	"github.com/ethereum/go-ethereum/rlp"
)

const (
	helloID  = 0
	firstID  = 17 // of eth, behind the ids of the base protocol
	echoedID = 18
)

type hello struct {
	Version    uint64
	Name       string
	Caps       []p2p.Cap
	ListenPort uint64
	ID         []byte
}

// counted is what an end reports: units of its work since the warm-up ended.
type counted struct {
	Count uint64  `json:"count"`
	Ms    float64 `json:"ms"`
	CPUMs float64 `json:"cpuMs"`
}

// meter counts from the end of the warm-up on.
type meter struct {
	mu        sync.Mutex
	warm      time.Duration
	begun     time.Time
	from      time.Time
	cpu       time.Duration
	last      counted
	count     uint64
	measuring bool
}

func (m *meter) add(n uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.begun.IsZero() {
		m.begun = now
	}
	if !m.measuring {
		if now.Sub(m.begun) >= m.warm {
			m.measuring, m.from, m.cpu = true, now, cpuTime()
		}
		return
	}
	m.count += n
	if m.count%64 == 0 || n > 1 || now.Sub(m.from).Milliseconds() != int64(m.last.Ms) {
		m.mark(now)
	}
}

func (m *meter) mark(now time.Time) {
	m.last = counted{m.count, ms(now.Sub(m.from)), ms(cpuTime() - m.cpu)}
}

func (m *meter) print() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(m.last)
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func key(fill byte) *ecdsa.PrivateKey {
	secret := make([]byte, 32)
	for i := range secret {
		secret[i] = fill
	}
	private, err := crypto.ToECDSA(secret)
	check(err)
	return private
}

var (
	listenerKey = key(4)
	dialerKey   = key(3)
)

// open does the handshake and says Hello, as a node would.
func open(socket net.Conn, own *ecdsa.PrivateKey, to *ecdsa.PublicKey) (*rlpx.Conn, error) {
	conn := rlpx.NewConn(socket, to)
	if _, err := conn.Handshake(own); err != nil {
		return nil, err
	}
	id := crypto.FromECDSAPub(&own.PublicKey)[1:]
	said, err := rlp.EncodeToBytes(hello{5, "bench", []p2p.Cap{{Name: "eth", Version: 69}}, 0, id})
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(helloID, said); err != nil {
		return nil, err
	}
	code, _, _, err := conn.Read()
	if err != nil {
		return nil, err
	}
	if code != helloID {
		return nil, fmt.Errorf("message %d instead of Hello", code)
	}
	conn.SetSnappy(true)
	return conn, nil
}

func listen(work string, m *meter) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	go func() {
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(socket, work, m)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
	m.print()
}

func serve(socket net.Conn, work string, m *meter) {
	defer socket.Close()
	conn, err := open(socket, listenerKey, nil)
	if err != nil {
		return
	}
	if work == "handshakes" {
		m.add(1)
		_, _, _, _ = conn.Read() // until the dialling end closes
		return
	}
	for {
		code, data, _, err := conn.Read()
		if err != nil {
			return
		}
		if code < firstID {
			continue
		}
		m.add(1)
		if work == "echoes" {
			if _, err := conn.Write(echoedID, data); err != nil {
				return
			}
		}
	}
}

func dial(address string) (net.Conn, *rlpx.Conn) {
	socket, err := net.Dial("tcp", address)
	check(err)
	conn, err := open(socket, dialerKey, &listenerKey.PublicKey)
	check(err)
	return socket, conn
}

func handshakes(address string, parallel int, until time.Time, m *meter) {
	var all sync.WaitGroup
	for range parallel {
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Now().Before(until) {
				socket, _ := dial(address)
				m.add(1)
				socket.Close()
			}
		}()
	}
	all.Wait()
}

func send(address, work string, payload []byte, until time.Time, m *meter) {
	socket, conn := dial(address)
	defer socket.Close()
	var over atomic.Bool
	time.AfterFunc(time.Until(until), func() { over.Store(true) })
	if work != "echoes" {
		go func() { // what a peer may say meanwhile
			for {
				if _, _, _, err := conn.Read(); err != nil {
					return
				}
			}
		}()
	}
	for !over.Load() {
		_, err := conn.Write(firstID, payload)
		check(err)
		if work == "echoes" {
			_, _, _, err := conn.Read()
			check(err)
		}
		m.add(1)
	}
}

func main() {
	if len(os.Args) < 2 {
		check(fmt.Errorf("rlpxbench listen|dial"))
	}
	role, rest, port := os.Args[1], os.Args[2:], ""
	if role == "dial" && len(rest) > 0 {
		port, rest = rest[0], rest[1:]
	}
	flags := flag.NewFlagSet(role, flag.ExitOnError)
	work := flags.String("work", "frames", "frames, echoes or handshakes")
	size := flags.Int("size", 200, "bytes of a message")
	content := flags.String("content", "random", "random or zeros")
	forMs := flags.Int("ms", 1000, "how long to measure")
	warmMs := flags.Int("warm-ms", 200, "how long to warm up")
	parallel := flags.Int("parallel", 1, "handshakes at once")
	check(flags.Parse(rest))
	m := &meter{warm: time.Duration(*warmMs) * time.Millisecond}
	if role == "listen" {
		listen(*work, m)
		return
	}
	until := time.Now().Add(time.Duration(*forMs+*warmMs) * time.Millisecond)
	address := "127.0.0.1:" + port
	if *work == "handshakes" {
		handshakes(address, *parallel, until, m)
	} else {
		payload := make([]byte, *size)
		if *content == "random" {
			rand.New(rand.NewSource(1)).Read(payload)
		}
		send(address, *work, payload, until, m)
	}
	m.print()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "rlpxbench:", err)
		os.Exit(1)
	}
}
