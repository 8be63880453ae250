package com.gptdesk.chat.relay;

import java.util.Collection;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Decides which changes one user may see now. The user's rights are read first, and again whenever
 * a change says that they may differ. Until they are known, changes are held. When the rights
 * differ or changes were missed, the user has to read again what they show.
 *
 * <p>Not thread-safe: owned by the thread that delivers to the user.
 */
public final class UserFeed {

  /** Not shown to clients: a change of it means that this user's audiences may have changed. */
  private static final String CONTROL_TABLE = "users";

  /**
   * How rights that were read again differ from before.
   *
   * @param hasOtherAudiences whether the user belongs to other audiences than before
   * @param missed the reason for catching up, as given; null when no change was missed
   */
  public record Renewal(boolean hasOtherAudiences, @Nullable String missed) {}

  private Set<Audience> audiences = Set.of();
  private boolean isKnown;
  private @Nullable String missed;

  /** Creates a feed whose user's rights are not known yet. */
  public UserFeed() {}

  /**
   * Whether the rights have to be read again instead of delivering this change.
   *
   * @param change a change for the user
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

  /** The rights are being read: nothing may be delivered until they are known. */
  public void unknown() {
    isKnown = false;
  }

  /**
   * The rights are known.
   *
   * @param found the audiences of the user
   * @return what changed
   */
  public Renewal known(Collection<Audience> found) {
    Set<Audience> before = audiences;
    audiences = Set.copyOf(found);
    isKnown = true;
    var renewal = new Renewal(!before.isEmpty() && !before.equals(audiences), missed);
    missed = null;
    return renewal;
  }

  /** {@return whether changes may be delivered; otherwise they are held} */
  public boolean isKnown() {
    return isKnown;
  }

  /** {@return the audiences of the user, as read last} */
  public Set<Audience> audiences() {
    return audiences;
  }

  /**
   * Whether this change may be delivered now; rights may have changed since it arrived.
   *
   * @param change a change for the user
   * @return false while the rights are being read
   */
  public boolean maySee(Change change) {
    return isKnown && change.isFor(audiences);
  }
}
