package com.gptdesk.chat.service.realtime.channel;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.service.realtime.changes.Binding;
import com.gptdesk.chat.service.realtime.changes.ChangePayload;
import com.gptdesk.chat.service.realtime.changes.ResumePoint;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import tools.jackson.databind.JsonNode;

/**
 * How far one channel has got in one conversation: the bindings that said {@code since} are told
 * what has a higher revision, once, whether it is replayed or live. Owned by its socket's context.
 *
 * <p>That one number is enough because a conversation's changes are committed, and told by the
 * relay, in the order of their revisions.
 */
public final class Resumption {
  private final ResumePoint point;
  private final List<Binding> bindings = new ArrayList<>();
  private long reached;

  Resumption(ResumePoint point) {
    this.point = point;
    this.reached = point.revision();
  }

  /** Where it began. */
  ResumePoint point() {
    return point;
  }

  UUID conversation() {
    return point.conversation();
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
  public void startAnew() {
    reached = point.revision();
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
    return change.table().equals(ResumePoint.TABLE)
        && change.operation() != Change.Operation.DELETE
        && data.row().path("conversation_id").asString("").equals(conversation().toString());
  }

  private static long revision(ChangePayload data) {
    JsonNode revision = data.row().path("revision");
    return revision.isIntegralNumber() ? revision.longValue() : Long.MAX_VALUE;
  }
}
