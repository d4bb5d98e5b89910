// Package connectortest runs the conformance checks in an author's tests, keeps
// a connector's catalog in a golden file, and says when a change of it would
// break the workflows that rely on it.
//
//	func TestConformance(t *testing.T) {
//		connectortest.Run(t, connectortest.Config{
//			Path:   connectorBinary,
//			Remote: fake,
//			...
//		})
//	}
package connectortest

import (
	"testing"

	"github.com/storyloop/storyloop/connector/conformance"
)

// What package conformance declares, for authors to have in one place.
type (
	Config      = conformance.Config      // What to check, and how.
	Operation   = conformance.Operation   // The cases of an operation.
	Case        = conformance.Case        // A call that works.
	NumberCase  = conformance.NumberCase  // A case whose output holds [conformance.BigNumber].
	Trigger     = conformance.Trigger     // The case of a trigger.
	AccountCase = conformance.AccountCase // A call whose answer shows for whom it was made.
	Call        = conformance.Call        // An operation and its input.
	Handshake   = conformance.Handshake   // How a service makes sure of a webhook's receiver.
	Fault       = conformance.Fault       // Makes the author's fake fail.
	Hook        = conformance.Hook        // What an author gives, or declares not applicable.
)

// Run runs every conformance check as a subtest with a sentence as its name. See
// [conformance.Config] for what an author gives; what is missing fails, unless it
// is declared not applicable with a reason.
func Run(t *testing.T, c Config) {
	t.Helper()
	conformance.Run(reporter{t}, c)
}

// reporter makes a *testing.T a conformance.Reporter.
type reporter struct{ *testing.T }

// Run runs a check as a subtest.
func (r reporter) Run(sentence string, check func(conformance.Reporter)) bool {
	r.Helper()
	return r.T.Run(sentence, func(t *testing.T) { check(reporter{t}) })
}
