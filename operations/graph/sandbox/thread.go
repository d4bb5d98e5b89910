package sandbox

import (
	"fmt"
	"hash/fnv"
)

// A messageAt is a message and the conversation that it is in.
type messageAt struct {
	*Message
	thread *Thread
}

func (st *state) indexThreads() {
	for _, t := range st.world.Threads {
		st.threadOf[scopedKey{t.AccountID, t.PersonID}] = t
		for _, m := range t.Messages {
			st.messages[m.ID] = messageAt{m, t}
		}
	}
}

// threadID makes the id of a conversation, in the form of Instagram Login.
func threadID(account, person string) string {
	return metaBase64("ig_thread:1:" + account + ":" + threadNumber(account, person))
}

// messageID makes a message id the way Meta does, as decoded from public samples: the account,
// a thread of 39 digits and a message of 35, in base64 with Meta's alphabet.
func messageID(account, person string, n int) string {
	return metaBase64(fmt.Sprintf("ig_dm_item:1:IGMessageID:%s:%s:31%033d", account, threadNumber(account, person), n))
}

func threadNumber(account, person string) string {
	h := fnv.New64a()
	h.Write([]byte(account + "/" + person))
	return fmt.Sprintf("340282366841710301%021d", h.Sum64())
}
