package host

import "time"

// Retention says what a store forgets. Its zero value forgets nothing.
type Retention struct {
	RunsBefore   time.Time // Runs that ended before it, with their entries and values.
	KeepRuns     int       // The latest so many of each workflow stay all the same.
	EventsBefore time.Time // Events that are done and were received before it. One that comes again is new then.
}

// Pruned counts what was forgotten.
type Pruned struct {
	Runs, Entries, Events int64
	Bodies                int64 // Large values, kept once, that nothing led to any more.
}
