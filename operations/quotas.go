package operations

import (
	"time"

	"github.com/storyloop/storyloop/connector"
)

// Limits that Meta has and sends no header for. The budgets of most calls grow with
// an account's reach, so that only the headers can tell them.
const (
	conversationCalls = "conversations"   // Reading conversations, by account.
	sendCalls         = "send"            // Sending messages, by account.
	privateReplies    = "private_replies" // Private replies to comments on posts and reels, by account.
	publishing        = "publishing"      // Posts of all kinds, by account.
)

// quotaHints is what Meta allows of these.
// Source: developers.facebook.com/docs/instagram-platform/overview#rate-limiting.
func quotaHints() []connector.QuotaHint {
	return []connector.QuotaHint{
		{Name: conversationCalls, Calls: 2, Window: time.Second},
		{Name: sendCalls, Calls: 100, Window: time.Second},
		{Name: privateReplies, Calls: 750, Window: time.Hour},
		{Name: publishing, Calls: 100, Window: 24 * time.Hour},
	}
}
