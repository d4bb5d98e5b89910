// Package conformance checks that a connector keeps the protocol: not only that
// its messages have the right shape, but what a host must rely on when a token
// is dead, an answer is lost, a service is slow, or the host itself is killed.
//
// It starts the connector's binary as a host does, with mutual TLS over go-plugin,
// and looks at it from outside alone, so that it serves connectors in any
// language. A fake of the remote service is the author's; the package stands
// before it and makes trouble: answers that come late or never, that are lost
// after the service has acted, that quote the request.
//
// Authors run it by package connectortest in their tests. What needs no fake and
// no cases is also the "conformance" subcommand of a connector's binary.
package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Config says what to check, and how. What a check needs and the author does not
// give must be declared in NotApplicable: nothing is skipped in silence.
type Config struct {
	Path string   // Required. The connector's binary. It is started without arguments.
	Env  []string // Its environment, as "name=value"; it gets nothing else.

	// Remote is the author's fake of the remote service. RemoteURL is the same for
	// a fake that is served already. The package serves it on loopback.
	Remote    http.Handler
	RemoteURL string

	// Settings are the process-wide settings that lead the connector to the fake.
	// Nil means none.
	Settings func(remoteURL string) json.RawMessage

	// Reset brings the fake back to its beginning. It is called before each case,
	// so that cases do not depend on each other. It may be nil.
	Reset func()

	// Credential acts for the account whose cases these are, if they name no other.
	Credential *connectorv1.Credential
	// Authorize signs in and returns what Credential would hold, where a credential
	// is best made by the connector itself. It is called if Credential is nil.
	Authorize func(context.Context, connectorv1.AuthServiceClient) (*connectorv1.Credential, error)
	// App is the registration of the operator, as JSON. It may be nil.
	App []byte
	// Secrets are the texts in credentials and App that must be seen nowhere: in
	// no log line, failure, diagnostic, event or output. Each must occur in one.
	Secrets []string

	Operations map[string]Operation // By name. Every operation needs a case.
	Triggers   map[string]Trigger   // By name. Every trigger needs a case.

	// DeadToken and Quota make the fake refuse all that follows, as the service
	// does when a token has died and when a quota is used up.
	DeadToken Fault
	Quota     Fault

	// Account returns a call for the i-th of many accounts, for 50 at once.
	Account func(i int) AccountCase
	// Number is a case whose output holds the number 17841405726653027. If its
	// input holds it too, the fake must get it with every digit.
	Number *NumberCase
	// Panic is a call that panics in the connector's handler.
	Panic *Call
	// Handshake is how the service makes sure of a webhook's receiver.
	Handshake *Handshake

	// NotApplicable says of a hook which is missing why there is nothing to check.
	NotApplicable map[Hook]string

	// CallTimeout bounds one call. Zero means 30 s.
	CallTimeout time.Duration
}

// Hook is something that an author gives, or declares not applicable. It is
// named after the field of Config.
type Hook string

// Hooks.
const (
	HookRemote     Hook = "Remote"     // Remote or RemoteURL.
	HookOperations Hook = "Operations" // Cases of operations.
	HookTriggers   Hook = "Triggers"   // Cases of triggers.
	HookSecrets    Hook = "Secrets"
	HookDeadToken  Hook = "DeadToken"
	HookQuota      Hook = "Quota"
	HookAccount    Hook = "Account"
	HookNumber     Hook = "Number"
	HookPanic      Hook = "Panic"
	HookHandshake  Hook = "Handshake"
	// HookDescribe is the subcommand "describe --json" of the binary.
	HookDescribe Hook = "Describe"
)

// Fault makes the author's fake fail until it is undone.
type Fault func() (undo func())

// Operation holds the cases of one operation.
type Operation struct {
	Cases []Case // At least one, with good input.
	// OnePage says why no case of a paginated operation has a second page.
	OnePage string
	// NoExample says why the examples of the input schema cannot be run.
	NoExample string
	// NoWrite says why no case of an operation that writes sends a request that
	// writes, or why its answer cannot be lost.
	NoWrite string
}

// Case is a call that works.
type Case struct {
	Name       string // May be empty.
	Input      json.RawMessage
	Credential *connectorv1.Credential // Nil means Config.Credential.
	// Prepare makes at the fake what the call needs and returns its input, in place
	// of Input.
	Prepare func() json.RawMessage
}

// Trigger is the case of one trigger.
type Trigger struct {
	Input      json.RawMessage         // Nil means {}.
	Credential *connectorv1.Credential // Nil means Config.Credential.
	// Happen makes one event happen at the fake and returns the request with which
	// the service tells of it, signed; nil where the trigger is only polled.
	Happen func() *connectorv1.ReceiveRequest
	// NotPolled says why a poll cannot find the event of Happen.
	NotPolled string
	// Unsigned says why a forged delivery cannot be told from a true one.
	Unsigned string
}

// AccountCase is a call whose answer shows for whom it was made.
type AccountCase struct {
	Credential *connectorv1.Credential
	Operation  string
	Input      json.RawMessage
	Want       string // A text in this account's output, and in no other's.
}

// NumberCase is a case of an operation.
type NumberCase struct {
	Operation string
	Case
}

// Call is an operation and its input.
type Call struct {
	Operation string
	Input     json.RawMessage
}

// Handshake is how a service makes sure of a webhook's receiver.
type Handshake struct {
	Request *connectorv1.ReceiveRequest // As the service sends it.
	Wrong   *connectorv1.ReceiveRequest // The same with a wrong token.
	Reply   string                      // The body that the service expects.
}

// BigNumber has 17 digits, one more than a float64 can hold.
const BigNumber = "17841405726653027"

// check is one thing that must hold.
type check struct {
	sentence string
	needs    []Hook
	run      func(*kit, Reporter)
}

// checks returns all of them, in the order in which they are run.
func checks() []check {
	return []check{
		{"the connector starts and accepts its settings", nil, (*kit).startsUp},
		{"the catalog is sound", nil, (*kit).soundCatalog},
		{"the catalog is the same after another start", nil, (*kit).sameCatalog},
		{"describe --json shows the catalog", []Hook{HookDescribe}, (*kit).describes},
		{"every operation has a case", []Hook{HookOperations}, (*kit).operationsHaveCases},
		{"every trigger has a case", []Hook{HookTriggers}, (*kit).triggersHaveCases},
		{"every operation does its work", []Hook{HookRemote, HookOperations}, (*kit).operationsWork},
		{"every option list that an input looks up answers", []Hook{HookRemote}, (*kit).optionsAnswer},
		{"bad input is refused with a pointer before anything is sent", nil, (*kit).badInput},
		{"a name that does not exist is refused", nil, (*kit).unknownNames},
		{"nothing is said about values that are not known yet", nil, (*kit).unknownValues},
		{"messages above gRPC's own limit pass", nil, (*kit).largeMessages},
		{"a dead token is UNAUTHENTICATED", []Hook{HookRemote, HookOperations, HookDeadToken}, (*kit).deadToken},
		{"a used-up quota is RATE_LIMITED and says until when", []Hook{HookRemote, HookOperations, HookQuota}, (*kit).quota},
		{"a service in trouble is UNAVAILABLE, whatever it quotes", []Hook{HookRemote, HookOperations}, (*kit).serviceInTrouble},
		{"a write whose answer was lost may have happened", []Hook{HookRemote, HookOperations}, (*kit).lostAnswers},
		{"a slow service is let go at the deadline", []Hook{HookRemote, HookOperations}, (*kit).slowService},
		{"a cancelled call lets go within a second", []Hook{HookRemote, HookOperations}, (*kit).cancelled},
		{"fifty calls for fifty accounts never mix", []Hook{HookRemote, HookAccount}, (*kit).fiftyAccounts},
		{"a number of 17 digits keeps them all", []Hook{HookRemote, HookNumber}, (*kit).bigNumber},
		{"a panic in one call spares the others", []Hook{HookRemote, HookOperations, HookPanic}, (*kit).panics},
		{"calls that share a stream are answered one by one", nil, (*kit).sharedStream},
		{"a call on a shared stream is let go by itself", []Hook{HookRemote, HookOperations}, (*kit).sharedLetsGo},
		{"the webhook handshake is answered", []Hook{HookHandshake}, (*kit).handshake},
		{"a webhook request that nobody understands does no harm", nil, (*kit).strayWebhooks},
		{"every trigger tells what happens", []Hook{HookRemote, HookTriggers}, (*kit).triggersTell},
		{"a termination signal is the host's business", nil, (*kit).terminationSignal},
		{"nothing is left when the host ends the connector", nil, (*kit).nothingLeft},
		{"nothing is left when the host is killed", nil, (*kit).hostKilled},
		{"no secret is seen anywhere", []Hook{HookSecrets}, (*kit).noSecrets},
	}
}
