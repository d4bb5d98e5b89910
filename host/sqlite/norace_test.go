//go:build !race

package sqlite_test

const loopSteps = 100
