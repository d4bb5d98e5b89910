package graph_test

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/storyloop/storyloop/operations/graph"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// meanings says which classes of ours fit a class of the reference.
var meanings = map[string][]graph.Class{
	"transient": {graph.Unavailable},
	"retry":     {graph.Unavailable},
	"retry 1–2× in 30 s–2 min, then new container": {graph.Unavailable},
	"do not blindly resend":                        {graph.Unavailable},
	"rate":                                         {graph.RateLimited},
	"slow down":                                    {graph.RateLimited},
	"wait (rolling 24 h)":                          {graph.RateLimited},
	"auth":                                         {graph.Unauthenticated},
	"permission":                                   {graph.Denied},
	"fix":                                          {graph.Invalid, graph.NotFound, graph.Precondition},
	"fix URL":                                      {graph.Invalid},
	"new container":                                {graph.Precondition, graph.NotFound},
	"poll, then retry":                             {graph.Precondition},
	"stop":                                         {graph.Refused},
	"rate/policy":                                  {graph.Refused},
	"handover":                                     {graph.Precondition},
	"take control first":                           {graph.Precondition},
	"user action":                                  {graph.Precondition, graph.Unauthenticated, graph.Denied},
	"permanent for that user":                      {graph.Precondition},
	"permanent until the user writes":              {graph.Precondition},
	"permanent":                                    {graph.Invalid, graph.NotFound, graph.Denied, graph.Precondition},
}

func TestRows_HoldTheReference(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/errors.tsv")
	require.NoError(t, err)
	defer f.Close()
	rows := map[[2]int]graph.Row{}
	for _, r := range graph.Rows() {
		key := [2]int{r.Code, r.Subcode}
		require.NotContains(t, rows, key, "two rows for %d/%d", r.Code, r.Subcode)
		rows[key] = r
	}
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		cells := strings.Split(lines.Text(), "\t")
		require.Len(t, cells, 4, lines.Text())
		code, last, ranged := strings.Cut(strings.TrimPrefix(cells[0], "-"), "-")
		first, err := strconv.Atoi(code)
		require.NoError(t, err)
		if strings.HasPrefix(cells[0], "-") {
			first = -first
		}
		sub, err := strconv.Atoi(cells[1])
		require.NoError(t, err)

		row, ok := rows[[2]int{first, sub}]
		if !assert.True(t, ok, "no row for %s", lines.Text()) {
			continue
		}
		n++
		require.Contains(t, meanings, cells[3], "a class without a meaning")
		assert.Contains(t, meanings[cells[3]], row.Class, lines.Text())
		if ranged {
			assert.Equal(t, last, strconv.Itoa(row.Last))
		}
	}
	assert.Equal(t, len(rows), n, "rows of the table that the reference does not have")
}

func TestRows_SpeakToPeople(t *testing.T) {
	t.Parallel()
	for _, r := range graph.Rows() {
		assert.True(t, strings.HasSuffix(r.Sentence, "."), r.Sentence)
		assert.True(t, strings.HasSuffix(r.Action, "."), r.Action)
		if r.Class != graph.Unavailable {
			assert.Equal(t, graph.No, r.Applied, "%d/%d: a refusal leaves no trace", r.Code, r.Subcode)
		}
	}
}
