package connector

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/storyloop/storyloop/connector/internal/schemadoc"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// page writes the reference page of a catalog, in Markdown. The same catalog
// gives the same page; the version is left out, so that a release alone does not
// change it.
type page struct {
	w        io.Writer
	err      error
	subjects map[string]string // By operation; empty where the author has no folders.
	errors   []ErrorDoc
}

// markdown writes the reference page. Operations stand under the folder that
// their schemas are in, which is their subject.
func (s *server) markdown(w io.Writer) error {
	p := &page{w: w, subjects: map[string]string{}, errors: s.spec.Errors}
	if err := p.readSubjects(s.spec.Schemas); err != nil {
		return err
	}
	p.catalog(s.catalog)
	return p.err
}

func (p *page) readSubjects(schemas fs.FS) error {
	return fs.WalkDir(schemas, ".", func(name string, d fs.DirEntry, err error) error {
		if operation, ok := strings.CutSuffix(path.Base(name), ".input.json"); err == nil && ok && path.Dir(name) != "." {
			p.subjects[operation] = path.Base(path.Dir(name))
		}
		return err
	})
}

func (p *page) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *page) catalog(c *connectorv1.Catalog) {
	p.printf("# %s\n\n%s\n\n", c.GetTitle(), c.GetSummary())
	if u := c.GetDocumentationUrl(); u != "" {
		p.printf("More: <%s>\n\n", u)
	}
	p.printf("This page is made from the catalog of the connector `%s`, by `describe --markdown`.\n\n", c.GetName())

	order, groups := p.grouped(c.GetOperations())
	p.printf("## Contents\n\n")
	for _, subject := range order {
		p.printf("| %s | Effect | |\n|---|---|---|\n", cell(heading(subject)))
		for _, op := range groups[subject] {
			p.printf("| [`%s`](#%s) | %s | %s |\n", op.GetName(), op.GetName(), effectName(op.GetEffect()), cell(op.GetSummary()))
		}
		p.printf("\n")
	}
	if len(c.GetTriggers()) > 0 {
		p.printf("| Triggers | Comes by | |\n|---|---|---|\n")
		for _, t := range c.GetTriggers() {
			p.printf("| [`%s`](#%s) | %s | %s |\n", t.GetName(), t.GetName(), sources(t), cell(t.GetSummary()))
		}
		p.printf("\n")
	}
	p.methods(c.GetAuthMethods())
	if len(c.GetSettingsSchema()) > 0 {
		p.printf("## Settings\n\nOf the process, set by the operator of the host.\n\n")
		p.schema("", c.GetSettingsSchema())
	}
	p.quotas(c.GetQuotas())
	for _, subject := range order {
		p.printf("## %s\n\n", heading(subject))
		for _, op := range groups[subject] {
			p.operation(op)
		}
	}
	if len(c.GetTriggers()) > 0 {
		p.printf("## Triggers\n\n")
		for _, t := range c.GetTriggers() {
			p.trigger(t)
		}
	}
	p.printf("%s", errorsSection)
	p.errorTable()
}

// grouped returns the subjects in the order of their first operations.
func (p *page) grouped(ops []*connectorv1.Operation) (order []string, groups map[string][]*connectorv1.Operation) {
	groups = map[string][]*connectorv1.Operation{}
	for _, op := range ops {
		subject := p.subjects[op.GetName()]
		if groups[subject] == nil {
			order = append(order, subject)
		}
		groups[subject] = append(groups[subject], op)
	}
	return order, groups
}

// heading makes a folder's name words: "media_insights" becomes "Media insights".
func heading(subject string) string {
	if subject == "" {
		return "Operations"
	}
	words := strings.NewReplacer("_", " ", "-", " ").Replace(subject)
	return strings.ToUpper(words[:1]) + words[1:]
}

func sources(t *connectorv1.Trigger) string {
	var by []string
	if t.GetWebhook() {
		by = append(by, "webhook")
	}
	if t.GetPollable() {
		by = append(by, "poll")
	}
	return strings.Join(by, ", ")
}

func (p *page) methods(methods []*connectorv1.AuthMethod) {
	if len(methods) == 0 {
		return
	}
	p.printf("## Authentication\n\n")
	for _, m := range methods {
		flow := map[Flow]string{OAuth2Code: "OAuth 2.0: a person consents in a browser.", Form: "A person fills in a form."}[m.GetFlow()]
		refresh := "It cannot be renewed without a person."
		if m.GetRefreshable() {
			refresh = "It is renewed without a person, for as long as the service allows."
		}
		p.printf("### %s\n\n`%s`. %s %s\n\n", m.GetTitle(), m.GetName(), flow, refresh)
		p.schema("Registration, by the operator of the host:", m.GetAppSchema())
		p.schema("Form:", m.GetFormSchema())
		if len(m.GetScopes()) > 0 {
			p.printf("| Scope | Asked for by default | Allows |\n|---|---|---|\n")
			for _, s := range m.GetScopes() {
				p.printf("| `%s` | %s | %s |\n", s.GetName(), yes(s.GetDefault()), cell(s.GetSummary()))
			}
			p.printf("\n")
		}
	}
}

func (p *page) quotas(quotas []*connectorv1.QuotaHint) {
	if len(quotas) == 0 {
		return
	}
	p.printf("## Quotas\n\n| Quota | Calls | In |\n|---|---|---|\n")
	for _, q := range quotas {
		p.printf("| `%s` | %d | %s |\n", q.GetName(), q.GetCalls(), q.GetWindow().AsDuration())
	}
	p.printf("\n")
}

func (p *page) operation(op *connectorv1.Operation) {
	p.head(op.GetName(), op.GetTitle(), op.GetSummary(), op.GetDescription(), op.GetDeprecation())
	p.printf("- Effect: %s.", effectOf(op.GetEffect()))
	if effectName(op.GetEffect()) != "read" {
		p.printf(" %s", repeated(op.GetIdempotency()))
	}
	p.printf("\n")
	if op.GetReconcilable() {
		p.printf("- If the answer is lost, the connector can find out whether it has happened.\n")
	}
	if op.GetPaginated() {
		p.printf("- The output comes in pages.\n")
	}
	if op.GetItemsPointer() != "" {
		p.printf("- A loop walks `%s`.\n", op.GetItemsPointer())
	}
	if op.GetLongRunning() {
		p.printf("- It may take minutes, and reports progress.\n")
	}
	if op.GetTimeout() != nil {
		p.printf("- Time limit: %s.\n", op.GetTimeout().AsDuration())
	}
	p.names("Scopes", op.GetScopes())
	p.names("Only with", op.GetAuthMethods())
	p.names("Draws on", op.GetQuotas())
	p.errorsLink()
	p.printf("\n")
	p.schema("Input:", op.GetInputSchema())
	p.schema("Output:", op.GetOutputSchema())
	p.examples("Example input:", op.GetInputSchema())
	p.examples("Example output:", op.GetOutputSchema())
}

func (p *page) trigger(t *connectorv1.Trigger) {
	p.head(t.GetName(), t.GetTitle(), t.GetSummary(), t.GetDescription(), t.GetDeprecation())
	p.printf("- Comes by: %s.\n", sources(t))
	p.names("Scopes", t.GetScopes())
	p.names("Only with", t.GetAuthMethods())
	p.printf("\n")
	p.schema("Input:", t.GetInputSchema())
	p.schema("Payload:", t.GetOutputSchema())
	p.examples("Example input:", t.GetInputSchema())
	p.examples("Example payload:", t.GetOutputSchema())
}

// head begins a section. Its heading is the name, which is also its anchor.
func (p *page) head(name, title, summary, description, deprecation string) {
	p.printf("### %s\n\n**%s.** %s\n\n", name, title, summary)
	if deprecation != "" {
		p.printf("> Deprecated: %s\n\n", strings.Join(strings.Fields(deprecation), " "))
	}
	if description != "" {
		p.printf("%s\n\n", strings.TrimSpace(description))
	}
}

func (p *page) names(label string, names []string) {
	if len(names) > 0 {
		p.printf("- %s: `%s`.\n", label, strings.Join(names, "`, `"))
	}
}

func (p *page) examples(label string, schema []byte) {
	doc, err := schemadoc.Parse(schema)
	if err != nil {
		return // A schema that cannot be read is no part of a catalog that was served.
	}
	for _, e := range doc.Resolve().List("examples") {
		p.printf("%s\n\n```json\n%s\n```\n\n", label, schemadoc.Indent(e))
	}
}

func effectOf(e Effect) string {
	switch e {
	case Read:
		return "read, it changes nothing"
	case Write:
		return "write, it adds or updates something"
	}
	return "destructive, it removes something or cannot be known"
}

func repeated(i Idempotency) string {
	switch i {
	case Inherent:
		return "A second call changes nothing more."
	case Keyed:
		return "The service drops a second call with the same key."
	}
	return "A second call does it twice."
}

// errorsSection is the same for all connectors: it is the protocol's.
const errorsSection = "## Errors\n\nEvery failure says who can do something about it, and whether a write may have happened all the same.\n\n" +
	"| Kind | What it means |\n|---|---|\n" +
	"| `INVALID_INPUT` | The input is wrong; each problem has a JSON Pointer. The workflow's author acts. |\n" +
	"| `UNAUTHENTICATED` | The credential is dead. Its owner signs in again. |\n" +
	"| `PERMISSION_DENIED` | A permission is missing. Its owner consents to more scopes. |\n" +
	"| `NOT_FOUND` | The object is not there, or this account does not see it. |\n" +
	"| `PRECONDITION` | The state of things forbids it now. |\n" +
	"| `RATE_LIMITED` | Too many calls. The host waits and tries again. |\n" +
	"| `UNAVAILABLE` | The service is down or slow. The host tries again, if a second call does no harm. |\n" +
	"| `REFUSED` | The service refused for a reason of its own. |\n" +
	"| `INTERNAL` | The connector has a bug. |\n"
