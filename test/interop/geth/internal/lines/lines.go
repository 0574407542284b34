// Package lines is how the programs of this module speak to the test that started them: one JSON object a line.
package lines

import (
	"encoding/json"
	"os"
	"sync"
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
