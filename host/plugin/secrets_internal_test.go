package plugin

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/reflect/protoreflect"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// All that a request may hold in confidence is where learn looks for it.
func TestSecrets_OfACallAreInItsCredential(t *testing.T) {
	t.Parallel()
	s := &secrets{}
	var paths []string
	var look func(m protoreflect.MessageDescriptor, path string)
	look = func(m protoreflect.MessageDescriptor, path string) {
		for _, f := range s.confidential(m) {
			if f.Kind() == protoreflect.MessageKind {
				look(f.Message(), path+"."+string(f.Name()))
				continue
			}
			paths = append(paths, path+"."+string(f.Name()))
		}
	}
	look((&connectorv1.InvokeRequest{}).ProtoReflect().Descriptor(), "")
	assert.Equal(t, []string{".call.credential.secret"}, paths)
}
