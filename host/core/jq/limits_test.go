package jq_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/storyloop/storyloop/host/core/jq"
)

// What would be the end of a host is the end of a worker, and the next program
// finds another.
func TestPool_ProgramsWithoutBounds(t *testing.T) {
	t.Parallel()
	const memory, deep = "the program used more than 384 MiB of memory", "nests values, or recurses, too deep"
	p := newPool(t, jq.Options{Workers: 2})
	for program, want := range map[string]string{
		`[range(1e12)]`:                                memory,
		`"x" * 1e9`:                                    memory, // In one instruction.
		`def f: 1 + f; f`:                              memory, // The library's own stack is on the heap.
		`reduce range(60) as $i ("x"; . + .)`:          memory,
		`reduce range(1e6) as $i (0; [.]) | tojson`:    deep, // Go's stack.
		`reduce range(4e5) as $i (0; {a: .}) | . == .`: deep, // In half the memory that it may have.
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			_, err := p.Run(t.Context(), program, []byte("[]"))
			assert.Contains(t, inputError(t, err), want)
			got, err := p.Run(t.Context(), `1 + 1`, []byte("{}"))
			require.NoError(t, err)
			assert.Equal(t, "2", string(got))
		})
	}
}

func TestPool_EndsWithTheDeadline(t *testing.T) {
	t.Parallel()
	p := newPool(t, jq.Options{})
	for _, program := range []string{
		endless,
		`def f: f; f`,
		`[range(30)] | combinations(9) | empty`,
		`reduce range(50) as $i ([]; [., .]) | . == (. | map(.))`, // One instruction.
	} {
		_, err := p.Run(t.Context(), "1", []byte("[]")) // It may take long to start a worker.
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		began := time.Now()
		_, err = p.Run(ctx, program, []byte("[]"))
		cancel()
		assert.Regexp(t, `the program took longer than \d+(\.\d+)?m?s; is it a loop that never ends\?`, inputError(t, err), program)
		assert.Less(t, time.Since(began), 5*time.Second)
	}
}

func TestPool_EndsWithItsCaller(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := newPool(t, noted(dir))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := p.Run(ctx, endless, []byte("{}"))
		done <- err
	}()
	n := notes(t, dir, 1)[0]
	cancel()
	assert.Equal(t, "The program was cut off.", unavailable(t, <-done))
	awaitEnd(t, n.PID)
}

func TestPool_LargeInputs(t *testing.T) {
	t.Parallel()
	p := newPool(t, jq.Options{Workers: 1})
	story := `{"id":"17841405726653027","likes":17841405726653027,"caption":"hello"},`
	for name, inputs := range map[string]string{
		"numbers": `[` + strings.Repeat("0,", 7_500_000) + `0]`,
		"objects": `[` + strings.Repeat(story, 15_000_000/len(story)) + `0]`,
		"a text":  `["` + strings.Repeat("x", 15_000_000) + `"]`,
	} {
		got, err := p.Run(t.Context(), `length`, []byte(inputs))
		require.NoError(t, err, name)
		assert.NotEqual(t, "0", string(got))
	}
	got, err := p.Run(t.Context(), `. + .`, []byte(`"`+strings.Repeat("x", 4_000_000)+`"`))
	require.NoError(t, err)
	assert.Len(t, got, 8_000_002)
}
