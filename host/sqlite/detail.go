package sqlite

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/workflow"
)

// Details hold what no query asks for, as JSON. They are the file's format: a
// member keeps its name and meaning for ever. Most convert from and to the
// host's types, so that a field which is added there must be here.

type definitionDetail struct {
	File    string    `json:"file,omitempty"`
	Enabled bool      `json:"enabled"`
	Subject string    `json:"subject,omitempty"`
	AddedAt time.Time `json:"added_at,omitzero"`
}

type runDetail struct {
	Version   string            `json:"version,omitempty"`
	Event     string            `json:"event,omitempty"`
	Origin    origin            `json:"origin,omitzero"`
	Forecast  *forecast         `json:"forecast,omitempty"`
	Failure   *workflow.Failure `json:"failure,omitempty"`
	Question  *question         `json:"question,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Until     time.Time         `json:"until,omitzero"`
	CreatedAt time.Time         `json:"created_at,omitzero"`
	StartedAt time.Time         `json:"started_at,omitzero"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
}

type entryDetail struct {
	Step      string            `json:"step,omitempty"`
	Connector string            `json:"connector,omitempty"`
	Operation string            `json:"operation,omitempty"`
	Items     string            `json:"items,omitempty"`
	Next      string            `json:"next,omitempty"`
	Failure   *workflow.Failure `json:"failure,omitempty"`
	Attempts  []attempt         `json:"attempts,omitempty"`
	Resume    string            `json:"resume,omitempty"`
	Until     time.Time         `json:"until,omitzero"`
	Waited    time.Duration     `json:"waited_ns,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Question  *question         `json:"question,omitempty"`
	Answer    host.Choice       `json:"answer,omitempty"`
	Before    int               `json:"before,omitempty"`
	From      string            `json:"from,omitempty"`
	StartedAt time.Time         `json:"started_at,omitzero"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
}

type eventDetail struct {
	OccurredAt time.Time `json:"occurred_at,omitzero"`
	ReceivedAt time.Time `json:"received_at,omitzero"`
	Source     string    `json:"source,omitempty"`
}

type question struct {
	Path    string            `json:"path,omitempty"`
	Step    string            `json:"step,omitempty"`
	Kind    host.QuestionKind `json:"kind,omitempty"`
	Text    string            `json:"text,omitempty"`
	Choices []host.Choice     `json:"choices,omitempty"`
}

type attempt struct {
	ID        string    `json:"id,omitempty"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Requests  int       `json:"requests,omitempty"`
	Kind      string    `json:"kind,omitempty"`
	Message   string    `json:"message,omitempty"`
	Upstream  string    `json:"upstream,omitempty"`
	Said      string    `json:"said,omitempty"`
	Unsure    bool      `json:"unsure,omitempty"`
	Reconcile bool      `json:"reconcile,omitempty"`
}

type origin struct {
	Kind  host.OriginKind `json:"kind,omitempty"`
	Run   string          `json:"run,omitempty"`
	Path  string          `json:"path,omitempty"`
	Depth int             `json:"depth,omitempty"`
	Alert bool            `json:"alert,omitempty"`
	Due   time.Time       `json:"due,omitzero"`
	Again host.AgainFrom  `json:"again,omitempty"`
	Loop  string          `json:"loop,omitempty"`
	Ready bool            `json:"ready,omitempty"`
}

type forecast struct {
	Loop       string    `json:"loop,omitempty"`
	Iterations int       `json:"iterations,omitempty"`
	Calls      int       `json:"calls,omitempty"`
	Connector  string    `json:"connector,omitempty"`
	Quota      string    `json:"quota,omitempty"`
	Subject    string    `json:"subject,omitempty"`
	Used       float64   `json:"used,omitempty"`
	Left       int       `json:"left,omitempty"`
	DoneAt     time.Time `json:"done_at,omitzero"`
	Text       string    `json:"text,omitempty"`
}

func storedOrigin(o host.Origin) origin {
	o.Due = o.Due.UTC()
	return origin(o)
}

func storedForecast(f *host.Forecast) *forecast {
	if f == nil {
		return nil
	}
	stored := forecast(*f)
	stored.DoneAt = stored.DoneAt.UTC()
	return &stored
}

func (q *question) host() *host.Question { return (*host.Question)(q) }

func attemptsOf(in []host.Attempt) []attempt {
	out := make([]attempt, 0, len(in))
	for _, a := range in {
		a.StartedAt, a.EndedAt = a.StartedAt.UTC(), a.EndedAt.UTC()
		out = append(out, attempt(a))
	}
	return out
}

func hostAttempts(in []attempt) []host.Attempt {
	var out []host.Attempt
	for _, a := range in {
		out = append(out, host.Attempt(a))
	}
	return out
}

func encode(detail any) (string, error) {
	text, err := json.Marshal(detail)
	if err != nil {
		return "", fmt.Errorf("encoding: %w", err)
	}
	return string(text), nil
}

func decode(text []byte, detail any) error {
	if err := json.Unmarshal(text, detail); err != nil {
		return fmt.Errorf("decoding: %w", err)
	}
	return nil
}
