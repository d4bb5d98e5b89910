package core_test

import (
	"context"
	"errors"
	"testing"

	"github.com/storyloop/storyloop/host"
	"github.com/storyloop/storyloop/host/core"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSendEmail(t *testing.T) {
	t.Parallel()
	var sent []core.Mail
	b := newBench(t, core.Config{SendMail: func(_ context.Context, m core.Mail) (string, error) {
		sent = append(sent, m)
		return "<" + m.ID + "@example.com>", nil
	}})
	const input = `{"to":["Ada <ada@example.org>"],"subject":"Hi","text":"Hello"}`
	first := b.output(t.Context(), "send-email", "send", input)
	assert.Equal(t, first, b.output(t.Context(), "send-email", "send", input), "the message id must be that of the step")
	require.Len(t, sent, 2)
	assert.Equal(t, []string{"Ada <ada@example.org>"}, sent[0].To)
	for _, wrong := range []string{
		`{"to":["ada@example.org"],"subject":"Hi"}`, `{"to":[],"subject":"Hi","text":"t"}`, `{"to":["ada"],"subject":"Hi","text":"t"}`,
		`{"to":["ada@example.org"],"subject":"Hi\r\nBcc: eve@example.org","text":"t"}`, `{"to":["ada@example.org\nX: y"],"subject":"Hi","text":"t"}`,
	} {
		_, failure := b.invoke(t.Context(), "send-email", "send", wrong)
		assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_INVALID_INPUT, failure.GetKind(), wrong)
	}
	assert.Len(t, sent, 2)
}

func TestSendEmail_Failures(t *testing.T) {
	t.Parallel()
	const input = `{"to":["ada@example.org"],"subject":"Hi","html":"<p>Hello</p>"}`
	_, failure := newBench(t, core.Config{}).invoke(t.Context(), "send-email", "send", input)
	assert.Equal(t, connectorv1.FailureKind_FAILURE_KIND_PRECONDITION, failure.GetKind())

	refused := &host.FailureError{Failure: &connectorv1.Failure{Kind: connectorv1.FailureKind_FAILURE_KIND_REFUSED, Applied: connectorv1.Applied_APPLIED_NO}}
	for _, c := range []struct {
		err  error
		want connectorv1.Applied
	}{{refused, connectorv1.Applied_APPLIED_NO}, {errors.New("who knows"), connectorv1.Applied_APPLIED_UNKNOWN}} {
		b := newBench(t, core.Config{SendMail: func(context.Context, core.Mail) (string, error) { return "", c.err }})
		_, failure := b.invoke(t.Context(), "send-email", "send", input)
		assert.Equal(t, c.want, failure.GetApplied())
	}
}
