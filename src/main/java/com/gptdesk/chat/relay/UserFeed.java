package com.gptdesk.chat.relay;

import java.util.Collection;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one user may be told: their rights are read first, and again whenever a change says that
 * they may be others. Until they are known nothing may be told, so whoever tells holds what comes;
 * when they are others than before, or changes were missed, the user reads anew what they show.
 *
 * <p>Without a thread or a lock: owned by whoever tells the user.
 */
public final class UserFeed {

  /** Not a table of clients: a change of it says that this user's scopes may be others now. */
  private static final String CONTROL_TABLE = "users";

  /**
   * What the rights that were read mean for what the user shows.
   *
   * @param isRescoped whether the user may see other things than before
   * @param missed why they have to catch up, as it was given; null when no change was missed
   */
  public record Renewal(boolean isRescoped, @Nullable String missed) {}

  private Set<Scope> scopes = Set.of();
  private boolean isKnown;
  private @Nullable String missed;

  /** Makes one whose user's rights are not known yet. */
  public UserFeed() {}

  /**
   * Whether the rights have to be read again, in place of telling a change.
   *
   * @param change what the user hears
   * @return true for a change of the user themselves
   */
  public static boolean mayChangeRights(Change change) {
    return change.table().equals(CONTROL_TABLE);
  }

  /**
   * Changes were missed. A change of rights may be among them, so the rights have to be read.
   *
   * @param reason a sentence for people, given back by {@link #known}
   */
  public void missed(String reason) {
    missed = reason;
  }

  /** The rights are being read: nothing may be told until they are known. */
  public void unknown() {
    isKnown = false;
  }

  /**
   * The rights are known.
   *
   * @param found what the user may hear
   * @return what that means for them
   */
  public Renewal known(Collection<Scope> found) {
    Set<Scope> before = scopes;
    scopes = Set.copyOf(found);
    isKnown = true;
    var renewal = new Renewal(!before.isEmpty() && !before.equals(scopes), missed);
    missed = null;
    return renewal;
  }

  /** {@return whether changes may be told; else they are held} */
  public boolean isKnown() {
    return isKnown;
  }

  /** {@return what the user may hear, as it was known last} */
  public Set<Scope> scopes() {
    return scopes;
  }

  /**
   * Whether this may be told now; rights may have changed since it arrived.
   *
   * @param change what the user hears
   * @return false while the rights are being read
   */
  public boolean maySee(Change change) {
    if (!isKnown) {
      return false;
    }
    for (Scope scope : change.scopes()) {
      if (scopes.contains(scope)) {
        return true;
      }
    }
    return false;
  }
}
