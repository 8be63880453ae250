package com.gptdesk.chat.service.replica;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.service.cluster.NatsCluster;
import org.jspecify.annotations.Nullable;

/**
 * Tells a replica whom it must be fresh for: whoever is told of a change may read next what it
 * changed.
 */
public final class ReplicaFreshness {

  private ReplicaFreshness() {}

  /** By NATS a node hears of its own people; the replica must know of everybody's writes. */
  public static NatsCluster.@Nullable Attendant attendant(@Nullable ReadReplica replica) {
    return replica == null
        ? null
        : new NatsCluster.Attendant() {
          @Override
          public void told(Scope scope) {
            needs(replica, scope);
          }

          @Override
          public void toldAll() {
            replica.toldAll();
          }
        };
  }

  /** Whoever is told of a change may read next what it changed, so the replica must have it too. */
  public static ChangeListener heardBy(@Nullable ReadReplica replica, FanOut fanOut) {
    return replica == null
        ? fanOut
        : new ChangeListener() {
          @Override
          public void changed(Change change) {
            change.scopes().forEach(scope -> needs(replica, scope));
            fanOut.changed(change);
          }

          @Override
          public void resync(String reason) {
            replica.toldAll();
            fanOut.resync(reason);
          }
        };
  }

  /** Freshness is kept by person; what a team hears of, no read of one person waits for. */
  private static void needs(ReadReplica replica, Scope scope) {
    if (scope.kind() == Scope.Kind.USER) {
      replica.told(scope.id());
    }
  }
}
