package connectorv1

import (
	"fmt"
	"log/slog"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// The Go runtime ignores debug_redact: "%v" of a message prints its secrets. So
// every message from which a secret can be reached formats and logs itself
// without them. Inputs and bodies are not marked, since the contract cannot know
// what is in them: do not log whole messages all the same.

// Redact returns a copy of a message without the fields marked debug_redact, at
// any depth.
func Redact[M proto.Message](m M) M {
	c := proto.CloneOf(m)
	redact(c.ProtoReflect())
	return c
}

func redact(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		options, _ := f.Options().(*descriptorpb.FieldOptions)
		switch {
		case options.GetDebugRedact():
			m.Clear(f)
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := range v.List().Len() {
				redact(v.List().Get(i).Message())
			}
		default:
			redact(v.Message())
		}
		return true
	})
}

func format(w fmt.State, m proto.Message) {
	fmt.Fprint(w, prototext.MarshalOptions{}.Format(Redact(m)))
}

func logValue(m proto.Message) slog.Value {
	return slog.StringValue(prototext.MarshalOptions{}.Format(Redact(m)))
}

// Format writes the message without its secrets, whatever the verb.
func (x *App) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *App) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *Credential) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *Credential) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *Authorization) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *Authorization) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *Call) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *Call) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *InvokeRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *InvokeRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *InvokeManyRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *InvokeManyRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *ReconcileRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *ReconcileRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *ListOptionsRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *ListOptionsRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *BeginAuthorizationRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *BeginAuthorizationRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *BeginAuthorizationResponse) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *BeginAuthorizationResponse) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *CompleteAuthorizationRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *CompleteAuthorizationRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *CompleteAuthorizationResponse) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *CompleteAuthorizationResponse) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *RefreshCredentialRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *RefreshCredentialRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *RefreshCredentialResponse) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *RefreshCredentialResponse) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *InspectCredentialRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *InspectCredentialRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *InspectCredentialResponse) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *InspectCredentialResponse) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *RevokeCredentialRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *RevokeCredentialRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *PollRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *PollRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *SubscribeRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *SubscribeRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *UnsubscribeRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *UnsubscribeRequest) LogValue() slog.Value { return logValue(x) }

// Format writes the message without its secrets, whatever the verb.
func (x *ReceiveRequest) Format(w fmt.State, _ rune) { format(w, x) }

// LogValue returns the message without its secrets.
func (x *ReceiveRequest) LogValue() slog.Value { return logValue(x) }
