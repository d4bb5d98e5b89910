package host

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProgressQueue_FirstInFirstOut(t *testing.T) {
	t.Parallel()
	var q progressQueue
	put, taken := 0, 0
	for round := range 200 {
		for range round % 70 {
			put++
			q.put(Progress{Index: put})
		}
		for range min(round%67, q.len()) {
			p, ok := q.take()
			require.True(t, ok)
			taken++
			require.Equal(t, taken, p.Index)
			require.Equal(t, put-taken, q.len())
		}
	}
	require.Positive(t, q.len(), "it was seldom empty")
	require.Less(t, cap(q.all), 2000, "of %d that were put", put)
	for q.len() > 0 {
		p, _ := q.take()
		taken++
		require.Equal(t, taken, p.Index)
	}
	_, ok := q.take()
	assert.False(t, ok)
	assert.Equal(t, put, taken)
	assert.LessOrEqual(t, cap(q.all), keptRoom)
}

func TestProgressQueue_UsesItsMemoryAgain(t *testing.T) {
	var q progressQueue
	q.put(Progress{})
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		q.put(Progress{})
		q.take() // One is always left.
	}))
}
