//go:build unix && !linux

package jq

import "syscall"

// apart keeps a terminal's signals from a worker.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
