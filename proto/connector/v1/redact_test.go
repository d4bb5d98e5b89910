package connectorv1_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

const marker = "s3cr3t-m4rk3r"

// Every message of the contract is filled to the brim, so that a message added
// later cannot be forgotten.
func TestMessages_PrintAndLogWithoutSecrets(t *testing.T) {
	t.Parallel()
	messages := connectorv1.File_connector_v1_connector_proto.Messages()
	secretive := 0
	for i := range messages.Len() {
		mt, err := protoregistry.GlobalTypes.FindMessageByName(messages.Get(i).FullName())
		require.NoError(t, err)
		m := mt.New()
		if !fill(m, 0) {
			continue
		}
		secretive++
		t.Run(string(messages.Get(i).Name()), func(t *testing.T) {
			t.Parallel()
			raw, err := proto.Marshal(m.Interface())
			require.NoError(t, err)
			require.Contains(t, string(raw), marker, "the message should hold a secret")

			var log bytes.Buffer
			slog.New(slog.NewJSONHandler(&log, nil)).Info("call", "message", m.Interface())
			printed := fmt.Sprintf("%v %+v %s %d %#v", m.Interface(), m.Interface(), m.Interface(), m.Interface(), m.Interface())
			assert.NotContains(t, log.String(), marker)
			assert.NotContains(t, printed, marker)
			assert.NotContains(t, printed, fmt.Sprint([]byte(marker)))
		})
	}
	assert.Positive(t, secretive)
}

func TestRedact_LeavesTheOriginal(t *testing.T) {
	t.Parallel()
	c := &connectorv1.Credential{Method: "access_token", Secret: []byte(marker), Account: "@bluebottle"}
	r := connectorv1.Redact(c)
	assert.Empty(t, r.GetSecret())
	assert.Equal(t, "@bluebottle", r.GetAccount())
	assert.Equal(t, marker, string(c.GetSecret()))
}

// fill sets all fields that are secret or lead to one, and reports whether there
// are any.
func fill(m protoreflect.Message, depth int) bool {
	found := false
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		options, _ := f.Options().(*descriptorpb.FieldOptions)
		switch {
		case options.GetDebugRedact():
			m.Set(f, protoreflect.ValueOfBytes([]byte(marker)))
			found = true
		case f.Message() != nil && !f.IsMap() && depth < 6:
			if f.IsList() {
				item := m.Mutable(f).List().AppendMutable().Message()
				found = fill(item, depth+1) || found
				continue
			}
			child := m.NewField(f).Message()
			if fill(child, depth+1) {
				m.Set(f, protoreflect.ValueOfMessage(child))
				found = true
			}
		}
	}
	return found
}
