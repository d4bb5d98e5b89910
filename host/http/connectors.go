package http

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/storyloop/storyloop/host"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// connectorLine is a connector without what it offers.
type connectorLine struct {
	Name       string  `json:"name"`
	Version    string  `json:"version"`
	Title      string  `json:"title"`
	Summary    string  `json:"summary,omitempty"`
	Operations int     `json:"operations"`
	Triggers   int     `json:"triggers"`
	Process    *Status `json:"process,omitempty"` // Missing for one that is built in.
}

type connectorList struct {
	Connectors []connectorLine `json:"connectors"`
}

func (a *API) listConnectors(w http.ResponseWriter, _ *request) error {
	list := connectorList{Connectors: []connectorLine{}}
	processes := a.processes()
	for _, name := range a.Engine.Connectors.Names() {
		if c, ok := a.Engine.Connectors.Connector(name); ok {
			list.Connectors = append(list.Connectors, lineOfConnector(c.Catalog(), processes))
		}
	}
	return writeOK(w, list)
}

func (a *API) processes() map[string]Status {
	byName := map[string]Status{}
	if a.Processes == nil {
		return byName
	}
	for _, s := range a.Processes() {
		byName[s.Name] = s
	}
	return byName
}

func lineOfConnector(c *connectorv1.Catalog, processes map[string]Status) connectorLine {
	l := connectorLine{
		Name: c.GetName(), Version: c.GetVersion(), Title: c.GetTitle(), Summary: c.GetSummary(),
		Operations: len(c.GetOperations()), Triggers: len(c.GetTriggers()),
	}
	if s, ok := processes[l.Name]; ok {
		l.Process = &s
	}
	return l
}

// connectorDetail is a connector with what it offers.
type connectorDetail struct {
	connectorLine
	Offers []offer `json:"offers"` // Operations, then triggers, in the catalog's order.
}

// offer is an operation or a trigger.
type offer struct {
	Kind         string          `json:"kind"` // "operation" or "trigger".
	Name         string          `json:"name"`
	Title        string          `json:"title"`
	Summary      string          `json:"summary"`
	Description  string          `json:"description,omitempty"`
	Effect       string          `json:"effect,omitempty"` // Of an operation: "read", "write" or "destructive".
	Paginated    bool            `json:"paginated,omitempty"`
	ItemsPointer string          `json:"items_pointer,omitempty"`
	LongRunning  bool            `json:"long_running,omitempty"`
	Reconcilable bool            `json:"reconcilable,omitempty"`
	Webhook      bool            `json:"webhook,omitempty"`
	Scopes       []string        `json:"scopes,omitempty"`
	Quotas       []string        `json:"quotas,omitempty"`
	Deprecation  string          `json:"deprecation,omitempty"`
	InputSchema  json.RawMessage `json:"input_schema,omitempty"`
	OutputSchema json.RawMessage `json:"output_schema,omitempty"`
}

func (a *API) showConnector(w http.ResponseWriter, r *request) error {
	name := r.PathValue("name")
	c, ok := a.Engine.Connectors.Connector(name)
	if !ok {
		return &host.NotFoundError{Kind: "connector", Name: name}
	}
	return writeOK(w, connectorDetail{lineOfConnector(c.Catalog(), a.processes()), offers(c.Catalog())})
}

func offers(c *connectorv1.Catalog) []offer {
	all := []offer{}
	for _, op := range c.GetOperations() {
		all = append(all, offer{
			Kind: "operation", Name: op.GetName(), Title: op.GetTitle(), Summary: op.GetSummary(), Description: op.GetDescription(),
			Effect: effect(op.GetEffect()), Paginated: op.GetPaginated(), ItemsPointer: op.GetItemsPointer(),
			LongRunning: op.GetLongRunning(), Reconcilable: op.GetReconcilable(), Scopes: op.GetScopes(), Quotas: op.GetQuotas(),
			Deprecation: op.GetDeprecation(), InputSchema: op.GetInputSchema(), OutputSchema: op.GetOutputSchema(),
		})
	}
	for _, t := range c.GetTriggers() {
		all = append(all, offer{
			Kind: "trigger", Name: t.GetName(), Title: t.GetTitle(), Summary: t.GetSummary(), Description: t.GetDescription(),
			Webhook: t.GetWebhook(), Scopes: t.GetScopes(), Deprecation: t.GetDeprecation(),
			InputSchema: t.GetInputSchema(), OutputSchema: t.GetOutputSchema(),
		})
	}
	return all
}

// effect names an effect. One that is not said is taken for the worst.
func effect(e connectorv1.Effect) string {
	if e == connectorv1.Effect_EFFECT_UNSPECIFIED {
		e = connectorv1.Effect_EFFECT_DESTRUCTIVE
	}
	return strings.ToLower(strings.TrimPrefix(e.String(), "EFFECT_"))
}
