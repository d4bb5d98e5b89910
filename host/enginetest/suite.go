// Package enginetest is what an engine and a store must do, as tests that any of
// them can run.
package enginetest

import (
	"context"
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Engine is what the suite asks of an engine.
type Engine interface {
	Define(ctx context.Context, doc *workflow.Document, enabled bool, subject string) (host.Definition, error)
	Start(context.Context, host.StartRequest) (host.Run, bool, error)
	Resume(context.Context) (int, error)
	Cancel(ctx context.Context, id string) error
	Resolve(ctx context.Context, id, path string, answer host.Choice) error
	Wait(ctx context.Context, id string) (host.Run, error)
	Accept(ctx context.Context, connector string, events []*connectorv1.Event) (int, error)
	Dispatch(context.Context) error
	Again(context.Context, host.AgainRequest) (host.Run, error)
	Close(context.Context) error
}

var _ Engine = (*host.Engine)(nil)

// Subject is what is tested: an engine, or a store with the embedded engine.
type Subject struct {
	// Store returns a function that opens one and the same store again and again,
	// each time as a host does that starts. Required.
	Store func(t *testing.T) (open func() host.Store)
	// Engine returns an engine. Nil means the embedded one.
	Engine func(host.Setup) Engine
}

// Run runs the whole suite.
func Run(t *testing.T, s Subject) {
	if s.Engine == nil {
		s.Engine = func(setup host.Setup) Engine { return host.NewEngine(setup) }
	}
	for name, test := range map[string]func(*testing.T, *rig){
		"Loop":             testLoop,
		"ParallelLoop":     testParallelLoop,
		"Retry":            testRetry,
		"RateLimit":        testRateLimit,
		"TimerOverRestart": testTimerOverRestart,
		"TimePastAtStart":  testTimePastAtStart,
		"CancelInCall":     testCancelInCall,
		"CancelInDelay":    testCancelInDelay,
		"CancelParked":     testCancelParked,
		"SameID":           testSameID,
		"Events":           testEvents,
		"KilledAnywhere":   testKilledAnywhere,
		"KilledInEvent":    testKilledInEvent,
		"LostWrite":        testLostWrite,
		"Reconcile":        testReconcile,
		"ResumeToken":      testResumeToken,
		"CloseAndGoOn":     testCloseAndGoOn,
		"KilledInAgain":    testKilledInAgain,
		"KilledInCall":     testKilledInCall,
		"KilledInStorage":  testKilledInStorage,
		"Values":           testValues,
		"Storage":          testStorage,
		"Versions":         testVersions,
		"FindingRuns":      testFindingRuns,
		"PrunedEvents":     testPrunedEvents,
		"PolledEvents":     testPolledEvents,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newRig(t, s))
		})
	}
}
