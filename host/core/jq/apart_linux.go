package jq

import "syscall"

// apart keeps a terminal's signals from a worker, and ends it with its host.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
