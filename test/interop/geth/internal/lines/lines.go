// Package lines is how the programs of this module speak to the test that started them: one JSON object a line.
package lines

import (
	"encoding/json"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

var stdout sync.Mutex

// Print writes one JSON line to stdout; it may be called from several goroutines.
func Print(line map[string]any) {
	encoded, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	stdout.Lock()
	defer stdout.Unlock()
	os.Stdout.Write(append(encoded, '\n'))
}

// Stopped is closed when read has come to the end of stdin, or on SIGTERM: then the program has to end.
func Stopped(read func(stdin io.Reader)) <-chan struct{} {
	stopped := make(chan struct{})
	end := sync.OnceFunc(func() { close(stopped) })
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		end()
	}()
	go func() {
		read(os.Stdin)
		end()
	}()
	return stopped
}
