//go:build race

package sqlite_test

// loopSteps is few, since the race detector makes SQLite several times as slow.
const loopSteps = 30
