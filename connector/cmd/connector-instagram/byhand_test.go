package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// The test binary is also the connector.
const roleEnv = "CONNECTOR_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "connector":
		main()
	case "fragile connector":
		connector.Main(fragile())
	case "uncovered connector":
		connector.Main(uncovered())
	}
	os.Exit(m.Run())
}

// generic is a client that knows nothing but what reflection tells it.
type generic struct {
	t     testing.TB
	cc    *grpc.ClientConn
	files *protoregistry.Files
}

func dial(t testing.TB, socket string) *generic {
	t.Helper()
	cc, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { cc.Close() })
	stream, err := reflectionv1.NewServerReflectionClient(cc).ServerReflectionInfo(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(&reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "connector.v1.OperationService"},
	}))
	resp, err := stream.Recv()
	require.NoError(t, err)
	set := &descriptorpb.FileDescriptorSet{}
	for _, raw := range resp.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := &descriptorpb.FileDescriptorProto{}
		require.NoError(t, proto.Unmarshal(raw, file))
		set.File = append(set.File, file)
	}
	files, err := protodesc.NewFiles(set)
	require.NoError(t, err)
	return &generic{t, cc, files}
}

// call calls a method with a request in protobuf's JSON, and returns the answer so.
func (g *generic) call(service, method string, request any) string {
	g.t.Helper()
	d, err := g.files.FindDescriptorByName(protoreflect.FullName(service))
	require.NoError(g.t, err)
	m := d.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(method))
	require.NotNil(g.t, m)
	in, out := dynamicpb.NewMessage(m.Input()), dynamicpb.NewMessage(m.Output())
	raw, err := json.Marshal(request)
	require.NoError(g.t, err)
	require.NoError(g.t, protojson.Unmarshal(raw, in))
	require.NoError(g.t, g.cc.Invoke(g.t.Context(), "/"+service+"/"+method, in, out))
	answer, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(out)
	require.NoError(g.t, err)
	return string(answer)
}

// startByHand runs the connector as a person does who wants to look at it, and
// returns the socket where it serves.
func startByHand(t testing.TB) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "c")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	cmd := exec.Command(os.Args[0], "--debug")
	cmd.Env = []string{roleEnv + "=connector", "TMPDIR=" + dir, "CONNECTOR_PLUGIN=7c0ed9b65a0d4c5b9f0b3f6a0b1f6a51"}
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), "the handshake line")
	fields := strings.Split(lines.Text(), "|")
	require.GreaterOrEqual(t, len(fields), 5, lines.Text())
	return fields[3]
}

func TestByHand_AnyGRPCClientCanUseTheConnector(t *testing.T) {
	t.Parallel()
	world, err := sandbox.New(sandbox.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { world.Close() })
	srv := httptest.NewServer(world)
	t.Cleanup(srv.Close)

	g := dial(t, startByHand(t))
	// []byte is base64 in protobuf's JSON as in Go's.
	assert.JSONEq(t, `{"capabilities":{"invoke_many":true}}`, g.call("connector.v1.ConnectorService", "Configure", map[string]any{
		"settings": fmt.Appendf(nil, `{"sandbox_url":%q}`, srv.URL),
	}))
	assert.Contains(t, g.call("connector.v1.ConnectorService", "GetCatalog", map[string]any{}), `"list_stories"`)
	var completed struct{ Credential json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(g.call("connector.v1.AuthService", "CompleteAuthorization", map[string]any{
		"method": "access_token", "reply": fmt.Appendf(nil, `{"access_token":%q}`, world.Info().Accounts[0].UserToken),
	})), &completed))
	answer := g.call("connector.v1.OperationService", "Invoke", map[string]any{
		"operation": "list_stories",
		"input":     []byte(`{"ig_user_id":"17841405726653026","limit":3}`),
		"call":      map[string]any{"credential": completed.Credential},
	})
	var got struct {
		Result struct {
			Output    []byte
			NextToken string `json:"next_token"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(answer), &got), answer)
	var page struct{ Data []struct{ ID string } }
	require.NoError(t, json.Unmarshal(got.Result.Output, &page), answer)
	assert.Len(t, page.Data, 3)
	assert.NotEmpty(t, got.Result.NextToken)
}
