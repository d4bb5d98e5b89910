package connector

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// description is the catalog as JSON for people's tools: schemas are values in it,
// not text.
type description struct {
	Name             string                 `json:"name"`
	Version          string                 `json:"version"`
	Title            string                 `json:"title"`
	Summary          string                 `json:"summary,omitempty"`
	DocumentationURL string                 `json:"documentation_url,omitempty"`
	SettingsSchema   json.RawMessage        `json:"settings_schema,omitempty"`
	AuthMethods      []methodDescription    `json:"auth_methods"`
	Operations       []operationDescription `json:"operations"`
	Triggers         []triggerDescription   `json:"triggers"`
	OptionLists      []string               `json:"option_lists"`
	Errors           []errorDescription     `json:"errors"`
}

type methodDescription struct {
	Name        string          `json:"name"`
	Title       string          `json:"title"`
	Flow        string          `json:"flow"`
	Refreshable bool            `json:"refreshable"`
	AppSchema   json.RawMessage `json:"app_schema,omitempty"`
	FormSchema  json.RawMessage `json:"form_schema,omitempty"`
	Scopes      []string        `json:"scopes"`
}

type operationDescription struct {
	Name         string          `json:"name"`
	Title        string          `json:"title"`
	Summary      string          `json:"summary"`
	Description  string          `json:"description,omitempty"`
	Effect       string          `json:"effect"`
	Idempotency  string          `json:"idempotency"`
	ItemsPointer string          `json:"items_pointer,omitempty"`
	Paginated    bool            `json:"paginated"`
	LongRunning  bool            `json:"long_running"`
	Reconcilable bool            `json:"reconcilable"`
	Scopes       []string        `json:"scopes,omitempty"`
	AuthMethods  []string        `json:"auth_methods,omitempty"`
	Quotas       []string        `json:"quotas,omitempty"`
	Timeout      string          `json:"timeout,omitempty"`
	Deprecation  string          `json:"deprecation,omitempty"`
	InputSchema  json.RawMessage `json:"input_schema"`
	OutputSchema json.RawMessage `json:"output_schema"`
}

type triggerDescription struct {
	Name         string          `json:"name"`
	Title        string          `json:"title"`
	Summary      string          `json:"summary"`
	Description  string          `json:"description,omitempty"`
	Webhook      bool            `json:"webhook"`
	Pollable     bool            `json:"pollable"`
	Scopes       []string        `json:"scopes,omitempty"`
	AuthMethods  []string        `json:"auth_methods,omitempty"`
	Deprecation  string          `json:"deprecation,omitempty"`
	InputSchema  json.RawMessage `json:"input_schema"`
	OutputSchema json.RawMessage `json:"output_schema"`
}

func describe(spec Spec, name string, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet(name+" describe", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print all of the catalog as JSON, schemas included")
	asMarkdown := flags.Bool("markdown", false, "print a reference page")
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "%s describe: unexpected argument %q\n", name, flags.Arg(0))
		return exitUsage
	}
	if *asJSON && *asMarkdown {
		fmt.Fprintf(stderr, "%s describe: --json and --markdown exclude each other\n", name)
		return exitUsage
	}
	srv, err := newServer(spec, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return exitError
	}
	switch {
	case *asJSON:
		out := json.NewEncoder(stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		err = out.Encode(srv.description())
	case *asMarkdown:
		err = srv.markdown(stdout)
	default:
		err = srv.table(stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s: writing the catalog: %v\n", name, err)
		return exitError
	}
	return exitOK
}

func (s *server) table(w io.Writer) error {
	c := s.catalog
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tab, "%s %s\n\nOPERATION\tEFFECT\tSUMMARY\n", c.GetName(), c.GetVersion())
	for _, op := range c.GetOperations() {
		fmt.Fprintf(tab, "%s\t%s\t%s\n", op.GetName(), effectName(op.GetEffect()), op.GetSummary())
	}
	fmt.Fprint(tab, "\nTRIGGER\tSOURCE\tSUMMARY\n")
	for _, t := range c.GetTriggers() {
		var sources []string
		if t.GetWebhook() {
			sources = append(sources, "webhook")
		}
		if t.GetPollable() {
			sources = append(sources, "poll")
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\n", t.GetName(), strings.Join(sources, ", "), t.GetSummary())
	}
	return tab.Flush()
}

func (s *server) description() description {
	c := s.catalog
	d := description{
		Name: c.GetName(), Version: c.GetVersion(), Title: c.GetTitle(), Summary: c.GetSummary(),
		DocumentationURL: c.GetDocumentationUrl(), SettingsSchema: c.GetSettingsSchema(),
		AuthMethods: []methodDescription{}, Operations: []operationDescription{}, Triggers: []triggerDescription{}, OptionLists: keys(s.lists),
		Errors: describeErrors(s.spec.Errors),
	}
	for _, m := range c.GetAuthMethods() {
		scopes := []string{}
		for _, scope := range m.GetScopes() {
			scopes = append(scopes, scope.GetName())
		}
		d.AuthMethods = append(d.AuthMethods, methodDescription{
			Name: m.GetName(), Title: m.GetTitle(), Flow: enumName(m.GetFlow().String(), "AUTH_FLOW_"), Refreshable: m.GetRefreshable(),
			AppSchema: m.GetAppSchema(), FormSchema: m.GetFormSchema(), Scopes: scopes,
		})
	}
	for _, op := range c.GetOperations() {
		o := operationDescription{
			Name: op.GetName(), Title: op.GetTitle(), Summary: op.GetSummary(), Description: op.GetDescription(),
			Effect: effectName(op.GetEffect()), Idempotency: enumName(op.GetIdempotency().String(), "IDEMPOTENCY_"),
			ItemsPointer: op.GetItemsPointer(), Paginated: op.GetPaginated(), LongRunning: op.GetLongRunning(), Reconcilable: op.GetReconcilable(),
			Scopes: op.GetScopes(), AuthMethods: op.GetAuthMethods(), Quotas: op.GetQuotas(), Deprecation: op.GetDeprecation(),
			InputSchema: op.GetInputSchema(), OutputSchema: op.GetOutputSchema(),
		}
		if op.GetTimeout() != nil {
			o.Timeout = op.GetTimeout().AsDuration().String()
		}
		d.Operations = append(d.Operations, o)
	}
	for _, t := range c.GetTriggers() {
		d.Triggers = append(d.Triggers, triggerDescription{
			Name: t.GetName(), Title: t.GetTitle(), Summary: t.GetSummary(), Description: t.GetDescription(),
			Webhook: t.GetWebhook(), Pollable: t.GetPollable(), Scopes: t.GetScopes(),
			AuthMethods: t.GetAuthMethods(), Deprecation: t.GetDeprecation(),
			InputSchema: t.GetInputSchema(), OutputSchema: t.GetOutputSchema(),
		})
	}
	return d
}

func effectName(e connectorv1.Effect) string {
	if e == connectorv1.Effect_EFFECT_UNSPECIFIED {
		e = Destructive
	}
	return enumName(e.String(), "EFFECT_")
}

// enumName turns "AUTH_FLOW_FORM" into "form".
func enumName(name, prefix string) string {
	return strings.ToLower(strings.TrimPrefix(name, prefix))
}
