package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Scopes that the dialogs know. The names before 2025-01-27 (business_basic, ...) are refused.
var dialogScopes = map[flavour][]string{
	flavourFacebook: {
		"email", "public_profile", "user_gender", "user_birthday", "user_link", "pages_show_list", "pages_read_engagement", "pages_manage_metadata", "pages_messaging", "pages_manage_posts",
		"business_management", "ads_management", "ads_read", "instagram_basic", "instagram_manage_comments", "instagram_manage_insights",
		"instagram_content_publish", "instagram_manage_messages", "instagram_manage_contents", "instagram_manage_engagement",
		"instagram_branded_content_creator", "catalog_management", "instagram_shopping_tag_products",
	},
	flavourInstagram: {
		"instagram_business_basic", "instagram_business_manage_messages", "instagram_business_manage_comments",
		"instagram_business_content_publish", "instagram_business_manage_insights",
	},
}

// A login is what a dialog was asked for.
type login struct {
	App      string
	Flavour  string
	State    string
	Redirect string
	Scopes   []string
	Choices  []choice
	Error    string
	Hidden   map[string]string
}

// A choice is a Page or an account that the person at the dialog may pick.
type choice struct{ ID, Name, Kind string }

// dialogPage is what a browser shows: scopes, what to share, Continue and Cancel.
var dialogPage = template.Must(template.New("dialog").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{{if .Error}}Error{{else}}Log in{{end}}</title></head>
<body>
{{if .Error}}<h1>Sorry, something went wrong</h1><p role="alert">{{.Error}}</p>{{else}}
<h1>{{.App}} wants to use your {{.Flavour}} account</h1>
<form method="post">
{{range $k, $v := .Hidden}}<input type="hidden" name="{{$k}}" value="{{$v}}">
{{end}}<fieldset><legend>It asks for</legend>
{{range .Scopes}}<label><input type="checkbox" name="grant" value="{{.}}" checked> {{.}}</label><br>
{{end}}</fieldset>
<fieldset><legend>Share</legend>
{{range $i, $c := .Choices}}<label><input type="{{$c.Kind}}" name="share" value="{{$c.ID}}"{{if or (eq $c.Kind "checkbox") (eq $i 0)}} checked{{end}}> {{$c.Name}}</label><br>
{{end}}</fieldset>
<button type="submit" name="decision" value="continue">Continue</button>
<button type="submit" name="decision" value="cancel">Cancel</button>
</form>{{end}}
</body></html>
`))

// showDialog is GET of the OAuth dialog of either flavour.
func showDialog(c *call) (any, error) {
	l := c.login()
	if l.Error != "" {
		return page(http.StatusBadRequest, l), nil
	}
	return page(http.StatusOK, l), nil
}

// decideDialog is the dialog's form: it sends the browser back with a code or with the refusal.
func decideDialog(c *call) (any, error) {
	l := c.login()
	if l.Error != "" {
		return page(http.StatusBadRequest, l), nil
	}
	back := url.Values{}
	if l.State != "" {
		back.Set("state", l.State)
	}
	switch c.params.get("decision") {
	case "cancel":
		return c.denied(l, back), nil
	case "continue":
	default:
		l.Error = "Choose Continue or Cancel."
		return page(http.StatusBadRequest, l), nil
	}
	share := c.params["share"]
	if c.flavour == flavourInstagram && (len(share) != 1 || c.s.st.accounts[share[0]] == nil) {
		l.Error = "Choose one account."
		return page(http.StatusBadRequest, l), nil
	}
	code := &authCode{
		flavour: c.flavour, redirect: l.Redirect, issued: c.now, pages: slices.Clone(share), challenge: c.params.get("code_challenge"),
		scopes: slices.DeleteFunc(slices.Clone(l.Scopes), func(s string) bool { return c.params.has("grant") && !slices.Contains(c.params["grant"], s) }),
	}
	code.user = c.s.st.world.user()
	suffix := "#_=_"
	if c.flavour == flavourInstagram {
		code.user, suffix = share[0], "#_"
	}
	c.s.st.nextID++
	text := "AQ" + secretText(code.user+c.now.String()+string(rune(c.s.st.nextID)), 60)
	c.s.st.codes[text] = code
	query := back.Encode()
	if query != "" {
		query += "&"
	}
	return answer{status: http.StatusFound, location: addQuery(l.Redirect, query+"code="+text) + suffix}, nil
}

func (w *World) user() string {
	if len(w.Users) == 0 {
		return ""
	}
	return w.Users[0].ID
}

func (c *call) denied(l login, back url.Values) answer {
	back.Set("error", "access_denied")
	back.Set("error_reason", "user_denied")
	if c.flavour == flavourInstagram {
		back.Set("error_description", "The user denied your request")
	} else {
		back.Set("error_code", "200")
		back.Set("error_description", "Permissions error")
	}
	return answer{status: http.StatusFound, location: addQuery(l.Redirect, back.Encode())}
}

func addQuery(address, query string) string {
	if strings.Contains(address, "?") {
		return address + "&" + query
	}
	return address + "?" + query
}

// login reads and checks what the dialog was called with.
func (c *call) login() login {
	p, app := c.params, c.s.app
	l := login{
		App: app.Name, Flavour: upperFirst(c.flavour.String()), State: p.get("state"), Redirect: p.get("redirect_uri"),
		Scopes: slices.Compact(slices.Sorted(slices.Values(strings.FieldsFunc(p.get("scope"), func(r rune) bool { return r == ',' || r == ' ' })))),
		Hidden: map[string]string{},
	}
	for _, key := range []string{"client_id", "redirect_uri", "state", "scope", "response_type", "config_id", "code_challenge"} {
		if p.has(key) {
			l.Hidden[key] = p.get(key)
		}
	}
	if c.flavour == flavourFacebook && len(l.Scopes) == 0 {
		l.Scopes = []string{"public_profile"}
		if p.has("config_id") { // Facebook Login for Business: the configuration has the scopes
			l.Scopes = seedScopes()
		}
	}
	l.Error = c.loginError(l)
	l.Choices = c.choices()
	return l
}

func (c *call) loginError(l login) string {
	p := c.params
	u, err := url.Parse(l.Redirect)
	switch {
	case p.get("client_id") != c.s.app.id(c.flavour):
		return "Invalid app ID: The provided app ID does not look like a valid app ID."
	case err != nil || u.Scheme == "" || u.Host == "":
		return "Invalid redirect_uri: The redirect_uri is not an absolute URI."
	case len(c.s.app.RedirectURIs) > 0 && !slices.Contains(c.s.app.RedirectURIs, l.Redirect):
		return "URL blocked: This redirect failed because the redirect URI is not white-listed in the app's client OAuth settings."
	case p.has("response_type") && p.get("response_type") != "code":
		return "Invalid response_type: only code is served."
	}
	if c.flavour == flavourInstagram && !slices.Contains(l.Scopes, "instagram_business_basic") {
		return "Invalid Scopes: instagram_business_basic is required."
	}
	for _, scope := range l.Scopes {
		if !slices.Contains(dialogScopes[c.flavour], scope) {
			return "Invalid Scopes: " + scope + ". This message is only shown to developers."
		}
	}
	return ""
}

func (c *call) choices() []choice {
	var list []choice
	if c.flavour == flavourInstagram {
		for _, a := range c.s.st.world.Accounts {
			list = append(list, choice{a.ID, a.Username, "radio"})
		}
		return list
	}
	u := c.s.st.users[c.s.st.world.user()]
	if u == nil {
		return nil
	}
	for _, id := range u.Pages {
		if p := c.s.st.pages[id]; p != nil {
			list = append(list, choice{p.ID, p.Name, "checkbox"})
		}
	}
	return list
}

func page(status int, l login) answer {
	var b strings.Builder
	_ = dialogPage.Execute(&b, l) // a strings.Builder takes everything
	return answer{status: status, contentType: "text/html; charset=utf-8", body: []byte(b.String())}
}

// verifierFits checks PKCE: a code that was asked for with a challenge needs its verifier.
func (code *authCode) verifierFits(verifier string) bool {
	if code.challenge == "" {
		return true
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:]) == code.challenge
}
