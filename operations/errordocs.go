package operations

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

// errorDocs documents Meta's errors as the connector understands them, by code and
// subcode, so that a reader finds the code at hand.
func errorDocs() []connector.ErrorDoc {
	rows := graph.Rows()
	slices.SortStableFunc(rows, func(a, b graph.Row) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subcode, b.Subcode))
	})
	docs := make([]connector.ErrorDoc, 0, len(rows))
	for _, r := range rows {
		docs = append(docs, connector.ErrorDoc{
			Code: codeOf(r), Kind: kinds[r.Class], Applied: applied[r.Applied], Sentence: r.Sentence, Action: r.Action,
		})
	}
	return docs
}

// codeOf writes a row's code as failures have it: "190/463".
func codeOf(r graph.Row) string {
	switch {
	case r.Last != 0:
		return fmt.Sprintf("%d to %d", r.Code, r.Last)
	case r.Subcode != 0:
		return fmt.Sprintf("%d/%d", r.Code, r.Subcode)
	}
	return fmt.Sprint(r.Code)
}
