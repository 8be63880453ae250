package com.gptdesk.chat.service.realtime;

import com.gptdesk.chat.relay.Change;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * How far one channel has got in one conversation: the bindings that said {@code since} are told
 * what has a higher revision, once, whether it is replayed or live. Owned by its connection's
 * context.
 *
 * <p>That one number is enough because a conversation's changes are committed, and told by the
 * relay, in the order of their revisions.
 */
final class ResumePoint {
  static final String TABLE = "user_messages";

  /**
   * What a binding asked for.
   *
   * @param revision the highest one the client has
   */
  record Wish(UUID conversation, long revision) {}

  private final Wish wish;
  private final List<Binding> bindings = new ArrayList<>();
  private long reached;

  ResumePoint(Wish wish) {
    this.wish = wish;
    this.reached = wish.revision();
  }

  Wish wish() {
    return wish;
  }

  UUID conversation() {
    return wish.conversation();
  }

  /** The bindings that asked for the same. */
  List<Binding> bindings() {
    return bindings;
  }

  /** Everything up to this revision was told, or need not be. */
  long reached() {
    return reached;
  }

  void reach(long revision) {
    reached = revision;
  }

  /** Somebody else speaks for the channel now, who was told nothing yet. */
  void startAnew() {
    reached = wish.revision();
  }

  /** Whether this was told before. Of a deletion nothing says so, and it is not replayed. */
  boolean covers(ChangePayload data) {
    return isRevision(data) && revision(data) <= reached;
  }

  /** This is told now, or passes by the bindings' other conditions. */
  void passed(ChangePayload data) {
    if (isRevision(data)) {
      reached = Math.max(reached, revision(data));
    }
  }

  private boolean isRevision(ChangePayload data) {
    Change change = data.change();
    return change.table().equals(TABLE)
        && change.operation() != Change.Operation.DELETE
        && data.row().path("conversation_id").asString("").equals(conversation().toString());
  }

  private static long revision(ChangePayload data) {
    JsonNode revision = data.row().path("revision");
    return revision.isIntegralNumber() ? revision.longValue() : Long.MAX_VALUE;
  }
}
