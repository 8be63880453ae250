package com.gptdesk.chat.service.replica;

import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.service.cluster.NatsCluster;
import org.jspecify.annotations.Nullable;

/**
 * Tells a replica which users need fresh reads: a user who received a change may read next what it
 * changed.
 */
public final class ReplicaFreshness {

  private ReplicaFreshness() {}

  /** Over NATS a node receives its own users' changes only; the replica must know all scopes. */
  public static NatsCluster.@Nullable ScopeObserver observer(@Nullable ReadReplica replica) {
    return replica == null
        ? null
        : new NatsCluster.ScopeObserver() {
          @Override
          public void scopeChanged(Scope scope) {
            needs(replica, scope);
          }

          @Override
          public void anyScopeMayHaveChanged() {
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
            change.scopes().forEach(scope -> needs(replica, scope));
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
  private static void needs(ReadReplica replica, Scope scope) {
    if (scope.kind() == Scope.Kind.USER) {
      replica.requireFresh(scope.id());
    }
  }
}
