package jq

import (
	"fmt"
	"os"
	"syscall"
)

// limitProcess has the system bound the address space. Of the limits that there
// are it is the one that holds: Go's runtime reserves space before it uses it, and
// ends the process where it gets none. As much again as the memory is for garbage.
// Should there be no limit to set, the watch has to do.
func limitProcess() {
	if size, err := addressSpace(); err == nil {
		most := size + 2*MaxMemory
		_ = syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most})
	}
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}) // A dump would hold data.
	// Should the machine itself run short, better this process than its host.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
}

// addressSpace returns how much of it this process has, in bytes.
func addressSpace() (uint64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(b), &pages); err != nil {
		return 0, err
	}
	return pages * uint64(os.Getpagesize()), nil
}
