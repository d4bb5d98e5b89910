// Package connector is a connector's side of the protocol. An author fills in a
// [Spec] and hands it to [Main]; the package does the rest: it serves the
// catalog, checks inputs and outputs against their schemas, turns errors into
// failures that a host can act on, survives panics, and ends with its host.
package connector

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"reflect"
	"time"

	"github.com/storyloop/storyloop/connector/conformance"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Spec is a whole connector, as a value.
type Spec struct {
	Name             string // Required. Stable, in snake_case, such as "instagram".
	Version          string // Required. Semantic version.
	Title            string // Required. Name for people.
	Summary          string // One sentence.
	DocumentationURL string // Where to read more.

	// Schemas holds the connector's JSON Schemas, in folders at will, named after
	// what they describe: "<operation>.input.json", "<operation>.output.json", the
	// same for triggers, "<auth method>.app.json" and "<auth method>.form.json",
	// and "settings.json". A $ref to "common.json#/$defs/x" takes x from that file
	// into the published document. Required.
	Schemas fs.FS

	// Configure takes the settings of the process, valid by settings.json, and
	// may refuse them. It is called after each start, perhaps more than once.
	Configure func(Settings) error

	AuthMethods []AuthMethod
	Operations  []Operation
	OptionLists []OptionList
	Triggers    []Trigger
	Quotas      []QuotaHint
	Errors      []ErrorDoc // The remote service's, for the reference page.

	// Receive takes one webhook request for all triggers. It must not use the
	// network. Required if a trigger has Webhook set.
	Receive func(context.Context, Delivery) Receipt

	// Conformance returns a fake of the remote service and a case of each operation
	// and trigger, for the subcommand "conformance", and what ends the fake. Nil
	// means that only what needs neither is checked. Path and Env are filled in.
	Conformance func() (c conformance.Config, end func() error, err error)

	// Commands are subcommands of the binary beside those of the package.
	Commands []Command
}

// Settings is what a host says once, after each start. It never holds secrets.
type Settings struct {
	Host string          // Name and version of the host, such as "storyloop/1.0.0".
	JSON json.RawMessage // Valid by settings.json; "{}" if the host sent nothing.
}

// Command is a subcommand of the connector's binary.
type Command struct {
	Name    string
	Summary string
	// Run returns the exit code.
	Run func(ctx context.Context, args []string, stdout, stderr io.Writer) int
}

// Effect is what an operation does to the remote service. The zero value counts
// as destructive: who forgets to say is not trusted.
type Effect = connectorv1.Effect

// Effects.
const (
	Read        = connectorv1.Effect_EFFECT_READ        // Changes nothing.
	Write       = connectorv1.Effect_EFFECT_WRITE       // Adds or updates something.
	Destructive = connectorv1.Effect_EFFECT_DESTRUCTIVE // Removes something, or cannot be known.
)

// Idempotency says what happens when the same call is made twice. The zero value
// counts as NotIdempotent.
type Idempotency = connectorv1.Idempotency

// Idempotencies.
const (
	NotIdempotent = connectorv1.Idempotency_IDEMPOTENCY_NONE     // It happens twice.
	Inherent      = connectorv1.Idempotency_IDEMPOTENCY_INHERENT // The second call changes nothing.
	Keyed         = connectorv1.Idempotency_IDEMPOTENCY_KEYED    // The service drops the second call with the same key.
)

// Operation is one thing that a workflow step can do. [Handle] binds its handler;
// [Validate] and [Reconcile] add what only some operations have.
type Operation struct {
	Name        string // Required. Stable, in snake_case, such as "list_stories".
	Title       string // Required. Name for people.
	Summary     string // Required. One sentence.
	Description string // Markdown.
	Effect      Effect
	Idempotency Idempotency
	Items       string // JSON Pointer of the list in the output that a loop would walk.
	Paginated   bool   // A page is a whole output; the handler returns the next page's token.
	Scopes      []string
	AuthMethods []string // By name; empty means all.
	Quotas      []string // QuotaHint names that a call draws on.
	Timeout     time.Duration
	Deprecation string // What to use instead.
	LongRunning bool   // May take minutes and reports progress.

	input     reflect.Type // What the handler decodes into.
	handler   handler
	validate  validator
	reconcile reconciler
}

// OptionList offers choices for a property of an input: a dynamic dropdown.
type OptionList struct {
	Name string // Required. As in the "lookup" of a property.
	List func(context.Context, *Call, OptionQuery) (OptionPage, error)
}

// OptionQuery asks for choices.
type OptionQuery struct {
	Input     json.RawMessage // The input so far, unchecked: an object, maybe empty.
	Search    string          // What the user has typed.
	PageToken string          // Where to go on.
}

// OptionPage is a page of choices.
type OptionPage struct {
	Options       []Option
	NextPageToken string // Empty on the last page.
}

// Option is one choice.
type Option struct {
	Value  json.RawMessage // What to put into the input: an id, never a token.
	Label  string
	Detail string // A second line, such as the id behind a name.
}

// Trigger is one kind of event.
type Trigger struct {
	Name        string // Required. Stable, in snake_case.
	Title       string // Required. Name for people.
	Summary     string // Required. One sentence.
	Description string // Markdown.
	Scopes      []string
	AuthMethods []string // By name; empty means all.
	Deprecation string
	Webhook     bool // Events come through Spec.Receive.

	// Subscribe asks the remote service for events. Required if Webhook is set.
	Subscribe func(context.Context, *Call, SubscribeRequest) (Subscription, error)
	// Unsubscribe undoes Subscribe, and succeeds if there is nothing to undo.
	Unsubscribe func(context.Context, *Call, UnsubscribeRequest) error
	// Poll looks for events since a cursor, where the trigger can be polled. An
	// empty cursor means "from now on".
	Poll func(ctx context.Context, c *Call, input json.RawMessage, cursor string) (EventPage, error)
}

// SubscribeRequest asks for events.
type SubscribeRequest struct {
	App         Secret          // The operator's registration.
	Input       json.RawMessage // Valid by the trigger's input schema.
	CallbackURL string          // The host's endpoint.
}

// UnsubscribeRequest ends a subscription.
type UnsubscribeRequest struct {
	App          Secret
	Subscription Subscription
}

// Subscription is what the host keeps to route events and to unsubscribe.
type Subscription struct {
	Subject string // Events of this subject are meant: the id in Event.Subject.
	State   []byte // Opaque to the host.
}

// EventPage is what a poll found.
type EventPage struct {
	Events []Event // Oldest first.
	Cursor string
	More   bool // There is more right now.
}

// Event is one thing that happened.
type Event struct {
	ID         string          // The same for every delivery, so that the host can drop the second.
	Trigger    string          // By name.
	Subject    string          // Whose event it is.
	Payload    json.RawMessage // Valid by the trigger's output schema.
	OccurredAt time.Time       // By the remote service's clock; zero if it did not say.
}

// Delivery is an HTTP request to the host's webhook endpoint, as it came.
type Delivery struct {
	App        Secret   // The operator's registration, for the verify token and the signature.
	Method     string   // In upper case.
	Query      string   // Raw.
	Headers    []Header // In the order in which they came.
	Body       []byte   // Raw: signatures are over these bytes.
	ReceivedAt time.Time
}

// Receipt says what to reply and what happened.
type Receipt struct {
	Status   int
	Headers  []Header
	Body     []byte
	Events   []Event   // In order. Empty for a handshake and for a bad signature.
	Problems []Problem // For the operator, such as a signature that did not match.
}

// Header is one HTTP header line.
type Header struct{ Name, Value string }

// Quota is how much of a budget is used, as the remote service last said.
type Quota struct {
	Name         string // Which budget, such as "instagram".
	Subject      string // Whose budget, such as an account's id.
	Used         float64
	BlockedUntil time.Time // Set while the service refuses.
}

// QuotaHint is a budget known beforehand.
type QuotaHint struct {
	Name   string
	Calls  int           // Allowed in each window and for each subject.
	Window time.Duration // How long a window is.
}
