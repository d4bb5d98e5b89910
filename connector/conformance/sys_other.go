//go:build !unix

package conformance

import "syscall"

func ownGroup() *syscall.SysProcAttr { return nil }

func groupLives(int) bool { return false }

func killGroup(*child) {}

func terminate(int) error { return nil }

const hasSignals = false
