package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/storyloop/storyloop/connector/internal/schemadoc"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/storyloop/storyloop/schemas/validate"
)

// maxPages bounds the way to the end of a list.
const maxPages = 1000

func (k *kit) operationsHaveCases(r Reporter) {
	for _, op := range k.catalog.GetOperations() {
		if len(k.Operations[op.GetName()].Cases) == 0 {
			r.Errorf("operation %s has no case: add one to Config.Operations", op.GetName())
		}
	}
}

func (k *kit) operationsWork(r Reporter) {
	k.worked = true
	for _, op := range k.catalog.GetOperations() {
		r.Run(op.GetName(), func(r Reporter) { k.operationWorks(r, op) })
	}
}

func (k *kit) operationWorks(r Reporter, op *connectorv1.Operation) {
	author := k.Operations[op.GetName()]
	output, err := validate.Compile(op.GetOutputSchema())
	if err != nil {
		r.Fatalf("the output schema: %v", err)
	}
	cases := author.Cases
	if examples := rootExamples(op.GetInputSchema()); author.NoExample == "" {
		for i, e := range examples {
			cases = append(cases, Case{Name: fmt.Sprintf("the schema's example %d", i+1), Input: e})
		}
	} else if len(examples) == 0 {
		r.Errorf("NoExample says that the schema's examples cannot be run, but there are none")
	}
	most := 0
	for i, c := range cases {
		name := c.Name
		if name == "" {
			name = fmt.Sprintf("case %d", i+1)
		}
		r.Run(name, func(r Reporter) {
			pages := k.caseWorks(r, op, output, c)
			most = max(most, pages)
		})
	}
	if op.GetPaginated() && most == 1 && author.OnePage == "" {
		r.Errorf("it is paginated, but no case has a second page: give one, or say in OnePage why there is none")
	}
}

// caseWorks runs a case to its end and returns the number of its pages.
func (k *kit) caseWorks(r Reporter, op *connectorv1.Operation, output *validate.Schema, c Case) int {
	req := k.begin(op.GetName(), c)
	k.front.set(pass, 0)
	var pages []*connectorv1.Result
	if op.GetLongRunning() {
		pages = k.streamed(r, req)
	} else {
		pages = k.paged(r, op, req)
	}
	requests, writes, _ := k.front.counts()
	normal := k.normal[op.GetName()]
	if normal.requests == 0 {
		normal.first, normal.requests = c, requests
	}
	if writes > 0 && normal.writes == 0 {
		normal.write, normal.writes = c, writes
	}
	k.normal[op.GetName()] = normal

	for i, page := range pages {
		k.checkOutput(r, op, output, page, fmt.Sprintf("page %d", i+1))
	}
	if !op.GetPaginated() {
		if pages[0].GetNextToken() != "" {
			r.Errorf("it returns a next token, but the catalog does not say that it is paginated")
		}
		return len(pages)
	}
	if again := k.streamed(r, k.begin(op.GetName(), c)); len(again) != len(pages) {
		r.Errorf("InvokeStream brings %d pages, and Invoke %d", len(again), len(pages))
	}
	return len(pages)
}

// paged follows the tokens to the last page.
func (k *kit) paged(r Reporter, op *connectorv1.Operation, req *connectorv1.InvokeRequest) []*connectorv1.Result {
	var pages []*connectorv1.Result
	seen := map[string]bool{} // A service may give the same token for other pages, but not for the same.
	for {
		resp := k.attempt(r, req)
		if f := resp.GetFailure(); f != nil {
			r.Fatalf("page %d: %s", len(pages)+1, told(f))
		}
		if requests, _, _ := k.front.counts(); len(pages) == 0 && requests > 0 && resp.GetReport().GetRequests() == 0 {
			r.Errorf("it made %d requests, and its report says none", requests)
		}
		pages = append(pages, resp.GetResult())
		token := resp.GetResult().GetNextToken()
		page := token + "\n" + string(resp.GetResult().GetOutput())
		switch {
		case token == "" || !op.GetPaginated():
			return pages
		case seen[page]:
			r.Fatalf("page %d is one that came before, next token and all: the list has no end", len(pages))
		case len(pages) == maxPages:
			r.Fatalf("there is no end after %d pages", maxPages)
		}
		seen[page] = true
		req.ResumeToken = token
	}
}

func (k *kit) streamed(r Reporter, req *connectorv1.InvokeRequest) []*connectorv1.Result {
	ctx, cancel := k.bound(r.Context())
	defer cancel()
	pages, f, err := k.process(r).stream(ctx, req, maxPages)
	switch {
	case err != nil:
		r.Fatalf("InvokeStream: %v", err)
	case f != nil:
		r.Fatalf("InvokeStream: %s", told(f))
	case len(pages) == 0:
		r.Fatalf("InvokeStream ends without a page")
	}
	return pages
}

func (k *kit) checkOutput(r Reporter, op *connectorv1.Operation, schema *validate.Schema, page *connectorv1.Result, where string) {
	problems, err := schema.Check(page.GetOutput())
	if err != nil {
		r.Fatalf("%s: the output is %v", where, err)
	}
	for _, p := range problems {
		r.Errorf("%s: the output does not fit its schema: %s %s", where, pointerOr(p.Pointer), p.Message)
	}
	if op.GetItemsPointer() != "" {
		if _, ok := valueAt(page.GetOutput(), op.GetItemsPointer()).([]any); !ok {
			r.Errorf("%s: the output has no array at the items pointer %s", where, op.GetItemsPointer())
		}
	}
}

// optionsAnswer asks each list that a property names, as a builder would while
// the input is being filled in.
func (k *kit) optionsAnswer(r Reporter) {
	asked := map[string]bool{}
	for _, in := range k.inputs() {
		for _, list := range lookups(in.schema) {
			if asked[list] {
				continue
			}
			asked[list] = true
			r.Run(list, func(r Reporter) { k.optionAnswers(r, list, in) })
		}
	}
	if len(asked) == 0 {
		r.Logf("no property looks anything up")
	}
}

func (k *kit) optionAnswers(r Reporter, list string, in input) {
	if k.Reset != nil {
		k.Reset()
	}
	req := &connectorv1.ListOptionsRequest{Call: k.call(in.credential), List: list, Input: in.good()}
	seen := map[string]bool{}
	for pages := 1; ; pages++ {
		ctx, cancel := k.bound(r.Context())
		resp, err := k.process(r).ListOptions(ctx, req)
		cancel()
		if err != nil {
			r.Fatalf("%v", err)
		}
		if f := resp.GetFailure(); f != nil {
			r.Fatalf("with the input of %s: %s", in.of, told(f))
		}
		for _, o := range resp.GetPage().GetOptions() {
			if _, err := validate.Decode(o.GetValue()); err != nil || o.GetLabel() == "" {
				r.Errorf("an option needs a value that is JSON and a label: %q has value %q", o.GetLabel(), o.GetValue())
			}
		}
		token := resp.GetPage().GetNextPageToken()
		if token == "" {
			return
		}
		if seen[token] || pages == maxPages {
			r.Fatalf("the list has no end: page %d leads back", pages)
		}
		seen[token] = true
		req.PageToken = token
	}
}

// rootExamples returns the whole inputs that a schema gives as examples.
func rootExamples(schema []byte) []json.RawMessage {
	doc, err := schemadoc.Parse(schema)
	if err != nil {
		return nil
	}
	var all []json.RawMessage
	for _, e := range doc.List("examples") {
		all = append(all, json.RawMessage(schemadoc.Encode(e)))
	}
	return all
}

// valueAt returns the value at a JSON Pointer of a text, or nil.
func valueAt(text []byte, pointer string) any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	for _, token := range strings.Split(pointer, "/")[1:] {
		object, _ := v.(map[string]any)
		v = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
	}
	return v
}

func pointerOr(pointer string) string {
	if pointer == "" {
		return "(all of it)"
	}
	return pointer
}
