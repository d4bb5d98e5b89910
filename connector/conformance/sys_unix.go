//go:build unix

package conformance

import "syscall"

// ownGroup puts a process into a group of its own, so that what it leaves behind
// can be found.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// groupLives reports whether a process of the group is left. It sees processes
// that have ended and that nobody has waited for, too.
func groupLives(leader int) bool { return syscall.Kill(-leader, 0) == nil }

// killGroup ends what a connector has left behind.
func killGroup(c *child) {
	if c.cmd != nil && c.cmd.Process != nil {
		_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL) // The only error is that nothing is left.
	}
}

// terminate sends what a service manager sends to a whole group.
func terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }

const hasSignals = true
