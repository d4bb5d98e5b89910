package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

// A test mounts the sandbox, reads from it as from Meta, and has somebody do what a test
// cannot: here, write a comment, which is told to the app's webhook.
func Example() {
	sb, err := sandbox.New(sandbox.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sb.Close()
	graph := httptest.NewServer(sb)
	defer graph.Close()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println("webhook:", string(body)[:70]+"...")
	}))
	defer app.Close()

	token := url.QueryEscape(sb.Info().Accounts[0].UserToken)
	resp, err := http.Get(graph.URL + "/v25.0/17841405726653026?fields=username,media_count&access_token=" + token)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	fmt.Println(string(answer))

	if err := sb.SetCallback(app.URL, "verify token", "comments"); err != nil {
		fmt.Println(err)
		return
	}
	jane := sb.Igsid("bluebottle", "jane_doe")
	if _, err := sb.Act(jane, sandbox.Action{Kind: "comment", MediaID: "17900001000000001", Text: "Lovely"}); err != nil {
		fmt.Println(err)
	}
	if err := sb.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(sb.Count("GET /{ig-user}"))
	// Output:
	// {"username":"bluebottle","media_count":36,"id":"17841405726653026"}
	// webhook: {"object":"instagram","entry":[{"id":"17841405726653026","time":178574...
	// 1
}
