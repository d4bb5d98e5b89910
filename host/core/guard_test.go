package core_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/storyloop/storyloop/host/core"
	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHTTP_RefusesInternalAddresses(t *testing.T) {
	t.Parallel()
	b := newBench(t, core.Config{})
	for _, host := range []string{
		"127.0.0.1", "127.8.9.1:80", "localhost", "LOCALHOST", "0.0.0.0", "10.1.2.3", "172.31.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254",
		"168.63.129.16", "192.0.0.192", "224.0.0.1", "255.255.255.255", "2130706433", "0x7f.1",
		"[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::1]",
		"[fe80::1]", "[fe80::1%25lo]", "[fd00:ec2::254]", "[ff02::1]", "[2002:7f00:1::]", "[2001::1]", "[100::1]",
	} {
		_, failure := b.invoke(context.Background(), "http-client", "get", `{"url":"http://`+host+`/","timeout":"5s"}`)
		require.NotNil(t, failure, host)
		assert.Equal(t, connectorv1.Applied_APPLIED_NO, failure.GetApplied(), host)
		if strings.Contains("2130706433 0x7f.1", host) { // names, if the resolver says so at all
			continue
		}
		assert.Contains(t, failure.GetMessage(), "internal address", host)
		assert.Contains(t, failure.GetMessage(), "setting allow of http-client", host)
	}
}

func TestHTTP_AllowListOfNonsense(t *testing.T) {
	t.Parallel()
	for _, allow := range []string{"", "10.0.0.0/99", "http://a.example.com/", "*.example.com"} {
		_, err := core.New(core.Config{HTTP: core.HTTP{Allow: []string{allow}}})
		assert.ErrorContains(t, err, "http allow list", allow)
	}
}

// FuzzGuard holds the guard against what the standard library calls internal.
func FuzzGuard(f *testing.F) {
	b := newBench(f, core.Config{})
	conn, _ := b.list.Connector("http-client")
	for _, a := range []string{"8.8.8.8", "127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2606:4700::1111", "fe80::1"} {
		f.Add(netip.MustParseAddr(a).AsSlice())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok {
			return
		}
		host := addr.String()
		if addr.Is6() {
			host = "[" + host + "]"
		}
		resp, err := conn.Validate(t.Context(), &connectorv1.ValidateRequest{
			Target: &connectorv1.ValidateRequest_Operation{Operation: "get"}, Input: []byte(`{"url":"http://` + host + `"}`),
		})
		require.NoError(t, err)
		a := addr.Unmap()
		if a.IsPrivate() || a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast() || a.IsUnspecified() {
			assert.NotEmpty(t, resp.GetDiagnostics(), host)
		}
	})
}
