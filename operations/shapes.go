package operations

import (
	"encoding/json"

	"github.com/storyloop/storyloop/connector"
)

// list is the output of an operation that lists things. Its items are what Meta
// sent, digit for digit.
type list struct {
	Data []json.RawMessage `json:"data"`
}

// created is the output of an operation that makes something.
type created struct {
	ID string `json:"id"`
}

// done is the output of an operation that changes something.
type done struct {
	Success bool `json:"success"`
}

// paging is what inputs of paginated operations share.
type paging struct {
	Limit  int      `json:"limit"`
	Fields []string `json:"fields"`
}

// Names of the auth methods.
const (
	facebookLogin  = "facebook_login"
	instagramLogin = "instagram_login"
	pastedToken    = "access_token"
)

// facebookOnly marks operations that Meta offers with Facebook Login alone.
var facebookOnly = []string{facebookLogin, pastedToken}

// instagramOnly are the auth methods of what only Instagram Login can do.
var instagramOnly = []string{instagramLogin, pastedToken}

// Permissions, by their names with Facebook Login. A credential of Instagram Login
// lists them beside its own names for them: see scopes.go.
const (
	basic          = "instagram_basic"
	manageComments = "instagram_manage_comments"
	manageMessages = "instagram_manage_messages"
	manageInsights = "instagram_manage_insights"
	contentPublish = "instagram_content_publish"
	manageContents = "instagram_manage_contents"
	pagesShowList  = "pages_show_list"
	pagesRead      = "pages_read_engagement"
	pagesMetadata  = "pages_manage_metadata"
	catalogs       = "catalog_management"
	shoppingTag    = "instagram_shopping_tag_products"
)

// problem is one finding of a check that a schema cannot make.
func problem(pointer, code, summary, detail string) connector.Problem {
	return connector.Problem{Pointer: pointer, Code: code, Summary: summary, Detail: detail}
}
