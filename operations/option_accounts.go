package operations

import (
	"context"
	"net/url"
	"slices"

	"github.com/storyloop/storyloop/connector"
	"github.com/storyloop/storyloop/operations/graph"
)

const (
	accountsAtOnce = 5  // How many accounts one page of choices asks at most.
	enoughOptions  = 50 // How many choices are a page, so that no further account is asked.
)

// overAccounts lists choices of the account that the input names, or else of all
// that the credential can reach, one after the other. Its page token says at which
// account to go on, and where there.
func (s *session) overAccounts(ctx context.Context, in optionInput, token string, list func(account, token string) ([]connector.Option, string, error)) ([]connector.Option, string, error) {
	accounts, err := s.accountsOf(ctx, in)
	if err != nil {
		return nil, "", err
	}
	first, token := startAt(accounts, token)
	var out []connector.Option
	var unseen error
	for i, account := range accounts[first:] {
		if i == accountsAtOnce || len(out) >= enoughOptions {
			return out, goOn(account, ""), nil
		}
		page, next, err := list(account, token)
		token = ""
		if len(accounts) > 1 && outOfReach(err) {
			unseen = err // since the login: the other accounts are still there
			continue
		}
		if err != nil {
			return nil, "", err
		}
		out = append(out, page...)
		if next != "" {
			return out, goOn(account, next), nil
		}
	}
	if len(out) == 0 && first == 0 {
		return nil, "", unseen
	}
	return out, "", nil
}

// accountsOf returns the account that the input names, or all that the credential
// has the keys to.
func (s *session) accountsOf(ctx context.Context, in optionInput) ([]string, error) {
	if in.IGUserID != "" || in.PageID != "" || s.instagram() {
		account, err := s.accountOf(ctx, in)
		return []string{account}, err
	}
	if accounts := linkedTo(s.key.pages()); len(accounts) > 0 {
		return accounts, nil
	}
	pages, err := s.pages(ctx)
	if err != nil {
		return nil, err
	}
	if accounts := linkedTo(pages); len(accounts) > 0 {
		return accounts, nil
	}
	return nil, noAccount()
}

func linkedTo(pages []pageKey) []string {
	var accounts []string
	for _, p := range pages {
		if p.IGUserID != "" && !slices.Contains(accounts, p.IGUserID) {
			accounts = append(accounts, p.IGUserID)
		}
	}
	return accounts
}

func goOn(account, token string) string {
	at := graph.Cursor(token)
	at.Set("account", account)
	return at.Encode()
}

// startAt reads what goOn wrote. Where the account is gone, so is what comes after.
func startAt(accounts []string, token string) (int, string) {
	if token == "" {
		return 0, ""
	}
	at, _ := url.ParseQuery(token) // what could be read is used
	first := slices.Index(accounts, at.Get("account"))
	if first < 0 {
		first = len(accounts)
	}
	return first, token
}

// outOfReach reports whether an account does not exist any more for the credential.
func outOfReach(err error) bool {
	e, ok := graphError(err)
	return ok && (e.Class == graph.NotFound || e.Class == graph.Denied)
}
