package sandbox_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The newest posts are of August 2, 1 and July 31, at 08:00, 07:00 and 06:00; it is
// August 3, 09:00.
func TestTimes_AsClientsSpellThem(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for since, want := range map[string]int{
		"1785542400":                2,
		"2026-08-01":                2,
		"2026-08-01T07:30:00+00:00": 1,
		"Sat Aug 01 2026 09:00:00 GMT+0200 (Central European Summer Time)": 2,
		"Sat, 01 Aug 2026 07:30:00 GMT":                                    1,
		"now":                                                              0,
		"today":                                                            0,
		"yesterday":                                                        1,
		"-2 days":                                                          1,
		"-3days":                                                           2,
		"2 days ago":                                                       1,
		"today -3 days":                                                    3,
		"last week -1 second":                                              6,
	} {
		var got page
		c.get("/" + account + "/media?since=" + url.QueryEscape(since) + "&limit=10").into(&got)
		assert.Len(t, got.Data, want, since)
	}
	for _, bad := range []string{"soon", "-", "+3 of them", "3 moons ago", "yesterday ago", "-99999999999 days", "Aug 1"} {
		c.get("/"+account+"/media?since="+url.QueryEscape(bad)).fails(100, 0)
	}
}
