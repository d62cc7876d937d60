// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "analysis/question.hpp"
#include "analysis/track.hpp"
#include "undo/make_plan.hpp"
#include "undo/plan.hpp"

/// What would undo a session, a process, or what came of something.
namespace spoor::analysis {

struct UndoSubject {
  std::string session;  ///< its id, or a process in it
  /// Else this. A process stands for what descends from it, too; of anything else it is what the
  /// causal graph comes to: processes that what it came to first had started.
  TrackStart start;
};

struct UndoOptions {
  bool only_own = false;  ///< not what others did that the subject may have caused
  causal_index::OpenIndexOptions opening{};
  undo::PlanOptions planning{};
};

struct ToldPlan {
  undo::Plan plan;
  std::vector<Gap> gaps;  ///< in which changes may be missing, since the first that is known
};

/// Fails: kNotFound, kInvalidArgument (as FindStart), and as undo::MakePlan does.
Result<ToldPlan> PlanUndo(store::Store& store, const UndoSubject& subject,
                          const UndoOptions& options);

}  // namespace spoor::analysis
