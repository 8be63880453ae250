package com.gptdesk.chat.service.replica;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.service.cluster.NatsCluster;
import org.jspecify.annotations.Nullable;

/**
 * Tells a replica which users need fresh reads: a user who received a change may read next what it
 * changed.
 */
public final class ReplicaFreshness {

  private ReplicaFreshness() {}

  /** Over NATS a node receives its own users' changes only; the replica must know all audiences. */
  public static NatsCluster.@Nullable AudienceObserver observer(@Nullable ReadReplica replica) {
    return replica == null
        ? null
        : new NatsCluster.AudienceObserver() {
          @Override
          public void changeFor(Audience audience) {
            needs(replica, audience);
          }

          @Override
          public void changesMissed() {
            replica.requireFreshForAll();
          }
        };
  }

  /** The fan-out, with the replica informed first of each change. */
  public static ChangeListener informedFirst(@Nullable ReadReplica replica, FanOut fanOut) {
    return replica == null
        ? fanOut
        : new ChangeListener() {
          @Override
          public void changed(Change change) {
            change.audiences().forEach(audience -> needs(replica, audience));
            fanOut.changed(change);
          }

          @Override
          public void resync(String reason) {
            replica.requireFreshForAll();
            fanOut.resync(reason);
          }
        };
  }

  /** Freshness is tracked by person; changes for a team delay no read. */
  private static void needs(ReadReplica replica, Audience audience) {
    if (audience.kind() == Audience.Kind.USER) {
      replica.requireFresh(audience.id());
    }
  }
}
