"""What yes and no to single spans teach, and which spans are worth asking about. Random sentences of a corpus are given
in full, and a model learns from them. It asks about the others, and its gold annotation answers. Then models are
trained on both: one for each way to choose the questions, or to learn from the answers.

The training picks its checkpoint on every third sentence of the dev split, and the scores are of the other two thirds.
Results are added to a file, and what is in it is not run again.
"""

import math
import random
import resource
import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from wasabi import msg

from spacy_bio_ner.asking.questions import Place, Question, Questions, doubt, find_questions, prepare
from spacy_bio_ner.corpora.answers import ACCEPT, REJECT
from spacy_bio_ner.corpora.source_mentions import INCORRECT_SPANS

ROOT = Path(__file__).parent.parent
Verdicts = List[Dict[Place, str]]  # of each sentence


class Run(str, Enum):
    """What a model is trained on beside the sentences in full, and which."""

    nothing = "nothing"
    doubtful = "doubtful"  # one question a sentence, the span nearest to 0.5
    random = "random"  # one a sentence, any candidate
    entropy = "entropy"  # one a sentence, the span whose alternatives have the highest entropy
    new_words = "new_words"  # as doubtful, but no words are asked about twice
    several = "several"  # all questions about a sentence, before the next one
    accepted = "accepted"  # the questions of doubtful, of which only yes is learned from
    ner = "ner"  # the same answers for spaCy's ner, and ner on the sentences alone
    ner_nothing = "ner_nothing"
    complete = "complete"  # the questions of doubtful, some of them replaced by "is that all?"
    in_full = "in_full"  # sentences in full for the time of the answers
    everything = "everything"  # all sentences in full


def ask(run: Run, nlp: Language, docs: List[Doc], n: int, seed: int, verdicts: Verdicts, is_complete: Set[int]) -> None:
    """Ask about sentences, and let the gold annotation answer: add answers to what was answered in earlier rounds, and
    the sentences to which "is that all?" was answered by yes, about which nothing more is asked."""
    gold = [{(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents} for doc in docs]
    found = list(find_questions(nlp, zip(map(copy_tokens, docs), verdicts)))
    rng = random.Random(seed)

    def answer(i: int, question: Question) -> None:
        verdicts[i][question.place] = ACCEPT if question.place in gold[i] else REJECT

    if run == Run.several:
        n_left = n
        for i in sorted(range(len(docs)), key=lambda i: most_doubtful(found[i])):
            questions = found[i]
            while questions.open and n_left:
                answer(i, questions.open[0])
                n_left -= 1
                [questions] = find_questions(nlp, [(copy_tokens(docs[i]), verdicts[i])])
        return
    asked = {
        i: choose(run, questions.open, rng)
        for i, questions in enumerate(found)
        if questions.open and i not in is_complete
    }
    order = sorted(asked, key=lambda i: rng.random() if run == Run.random else doubt(asked[i]))
    if run == Run.new_words:
        seen, again = set(), []
        for i in list(order):
            words = docs[i].text[asked[i].start : asked[i].end].lower(), asked[i].label
            if words in seen:
                order.remove(i)
                again.append(i)
            seen.add(words)
        order += again
    n_asked = n_complete = 0
    for i in order:
        if n_asked >= n:
            break
        answer(i, asked[i])
        n_asked += 1
        if run == Run.complete and n_asked < n and n_asked // 6 > n_complete:
            [questions] = find_questions(nlp, [(copy_tokens(docs[i]), verdicts[i])])
            if questions.further < 0.5:
                n_asked += 1
                if {*(place for place, verdict in verdicts[i].items() if verdict == ACCEPT), *questions.sure} == gold[
                    i
                ]:
                    is_complete.add(i)
                    n_complete += 1
                    verdicts[i].update(dict.fromkeys(questions.sure, ACCEPT))


def most_doubtful(questions: Questions) -> float:
    return doubt(questions.open[0]) if questions.open else 1.0


def choose(run: Run, questions: List[Question], rng: random.Random) -> Question:
    if run == Run.random:
        return rng.choice(questions)
    if run == Run.entropy:
        return max(questions, key=lambda question: entropy(question, questions))
    return questions[0]


def entropy(question: Question, questions: List[Question]) -> float:
    """RETURNS (float): The entropy of what a span can be, in nats: it, each other candidate that overlaps it, or
    anything else."""
    alternatives = [
        other.probability for other in questions if other.start < question.end and question.start < other.end
    ]
    alternatives.append(max(1 - sum(alternatives), 0.0))
    total = sum(alternatives)
    return -sum(p / total * math.log(p / total) for p in alternatives if p > 0)


def copy_tokens(doc: Doc) -> Doc:
    """RETURNS (Doc): A Doc without annotation, of whose spaces nothing is known: spaCy keeps its tokens then."""
    return Doc(doc.vocab, words=[token.text for token in doc])


def answered(doc: Doc, verdicts: Dict[Place, str], is_complete: bool, with_rejected: bool) -> Optional[Doc]:
    """RETURNS (Optional[Doc]): A sentence with what was answered about it, as `bio-ner convert` writes it. None if
    nothing is known of it."""
    new = copy_tokens(doc)
    said = {
        verdict: [new.char_span(*place) for place, v in verdicts.items() if v == verdict]
        for verdict in (ACCEPT, REJECT)
    }
    new.set_ents(said[ACCEPT], default="outside" if is_complete else "missing")
    if with_rejected:
        new.spans[INCORRECT_SPANS] = said[REJECT]
    return new if said[ACCEPT] or is_complete or (with_rejected and said[REJECT]) else None


def train(run: Run, docs: List[Doc], dev: List[Doc], folder: Path, seed: int, steps: int) -> Tuple[Language, float]:
    """RETURNS (Tuple[Language, float]): The trained pipeline, and the CPU seconds of its training."""
    folder.mkdir(parents=True, exist_ok=True)
    write(docs, folder / "train.spacy")
    write(dev[::3], folder / "dev.spacy")
    config = ROOT / "configs" / "lstm.cfg"
    if run in (Run.ner, Run.ner_nothing):
        config = folder / "ner.cfg"
        spacy_command("init", "config", config, "--pipeline", "ner", "--force")
        options = ["--components.ner.incorrect_spans_key", INCORRECT_SPANS]
    else:
        options = ["--components.bio_ner.incorrect_spans_key", INCORRECT_SPANS]
        encode = "--components.bio_ner.model.tok2vec.encode"
        options += [f"{encode}.width", "128", f"{encode}.depth", "1"]
        options += ["--training.batcher.min_words", "1000"]  # as many words a step for all, few sentences or many
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    options += ["--paths.train", folder / "train.spacy", "--paths.dev", folder / "dev.spacy", "--system.seed", seed]
    options += ["--training.max_steps", steps, "--training.eval_frequency", "200", "--output", folder]
    spacy_command("train", config, *options)
    return spacy.load(folder / "model-best"), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def spacy_command(*args: Any) -> None:
    done = subprocess.run([sys.executable, "-m", "spacy", *map(str, args)], capture_output=True, text=True)
    if done.returncode:
        msg.fail(done.stdout[-2000:] + done.stderr[-2000:], exits=1)


def write(docs: List[Doc], path: Path) -> None:
    DocBin(docs=docs, store_user_data=True).to_disk(path)


def score(nlp: Language, docs: List[Doc]) -> Dict[str, float]:
    predicted = nlp.pipe(map(copy_tokens, docs))
    scores = Scorer.score_spans([Example(*pair) for pair in zip(predicted, docs)], "ents")
    return {name: scores[f"ents_{name}"] for name in "prf"}


def main(
    corpus: Path = typer.Argument(..., help="Folder with train.spacy and dev.spacy, a sentence in each Doc"),
    work: Path = typer.Argument(..., help="Folder to train in"),
    results: Path = typer.Argument(..., help="JSONL file for the results"),
    run: List[Run] = typer.Option(list(Run), help="What to train on"),
    n_full: int = typer.Option(300, help="Number of sentences in full"),
    n_answers: int = typer.Option(3600, help="Number of answers"),
    seed: List[int] = typer.Option([0], help="Seeds, of the sentences too"),
    steps: int = typer.Option(800, help="Steps of each training"),
    rounds: int = typer.Option(1, help="Rounds: in each the model asks that has learned from those before"),
    figure: Optional[Path] = typer.Option(None, help="PNG file for a figure of all results: F against answers"),
    cost: float = typer.Option(10, help="Answers that take as long as a sentence in full"),
):
    """Train on answers, and print the scores."""
    vocab = spacy.blank("en").vocab
    docs, dev = (list(DocBin().from_disk(corpus / f"{split}.spacy").get_docs(vocab)) for split in ("train", "dev"))
    done = list(srsly.read_jsonl(results)) if results.exists() else []
    for number in seed:
        shuffled = random.Random(number).sample(docs, len(docs))
        full, others = shuffled[:n_full], shuffled[n_full:]
        base = work / f"nothing-{n_full}-{number}"
        for name in sorted(run, key=list(Run).index):
            key = {"run": name.value, "full": n_full, "answers": n_answers, "rounds": rounds, "seed": number}
            key["steps"] = steps
            if any(key.items() <= other.items() for other in done):
                continue
            verdicts: Verdicts = [{} for _ in others]
            is_complete: Set[int] = set()
            extra: List[Doc] = []
            if name == Run.everything:
                extra = others
            elif name == Run.in_full:
                extra = others[: round(n_answers / cost)]
            folder = work / f"{name.value}-{n_full}-{number}"
            if name not in (Run.nothing, Run.ner_nothing, Run.everything, Run.in_full):
                how = Run.doubtful if name in (Run.accepted, Run.ner) else name
                nlp = spacy.load(base / "model-best")
                for i in range(rounds):
                    if i:
                        nlp, _ = train(name, [*full, *extra], dev, folder, number, steps)
                    prepare(nlp)
                    ask(how, nlp, others, n_answers // rounds, number + 1000 * i, verdicts, is_complete)
                    learned = [
                        answered(doc, said, i in is_complete, name != Run.accepted)
                        for i, (doc, said) in enumerate(zip(others, verdicts))
                    ]
                    extra = [doc for doc in learned if doc is not None]
            nlp, seconds = train(name, [*full, *extra], dev, folder, number, steps)
            held_out = [doc for i, doc in enumerate(dev) if i % 3]
            said = [verdict for of_doc in verdicts for verdict in of_doc.values()]
            counts = {"yes": said.count(ACCEPT), "no": said.count(REJECT), "complete": len(is_complete)}
            counts["sentences"] = len(extra)
            done.append({**key, **counts, **score(nlp, held_out), "cpu_seconds": round(seconds)})
            srsly.write_jsonl(results, done[-1:], append=True, append_new_line=False)
            print(done[-1], flush=True)
    rows = [
        (row["run"], row["full"], row["seed"], row["yes"], row["no"], row["complete"], row["sentences"])
        + tuple(f"{100 * row[name]:.1f}" for name in "prf")
        + (row["cpu_seconds"],)
        for row in done
    ]
    header = ("", "full", "seed", "yes", "no", "all", "sentences", "P", "R", "F", "CPU s")
    msg.table(rows, header=header, divider=True, aligns=("l", *"r" * 10))
    if figure is not None:
        draw(done, figure)


def draw(results: List[Dict[str, Any]], path: Path) -> None:
    """Draw F against the number of answers, the mean and the range of the seeds. Sentences in full stand where their
    time is that of so many answers."""
    from matplotlib.figure import Figure

    names = {
        Run.complete: "nearest to 0.5, and “is that all?”",
        Run.random: "any span in doubt",
        Run.in_full: "sentences in full, for the same time",
    }
    fig = Figure(figsize=(6.4, 4), layout="constrained")
    axes = fig.subplots()
    start = [100 * row["f"] for row in results if row["run"] == Run.nothing]
    for name, label in names.items():
        scores: Dict[int, List[float]] = {0: start}
        for row in results:
            if row["run"] == name:
                scores.setdefault(row["answers"], []).append(100 * row["f"])
        x = sorted(scores)
        means = [sum(scores[n]) / len(scores[n]) for n in x]
        below = [mean - min(scores[n]) for mean, n in zip(means, x)]
        above = [max(scores[n]) - mean for mean, n in zip(means, x)]
        style = "--" if name == Run.in_full else "-"
        axes.errorbar(x, means, yerr=(below, above), label=label, marker="o", linestyle=style, capsize=3)
    axes.set(xlabel="answers", ylabel="F on dev")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False)
    fig.savefig(path, dpi=120)


if __name__ == "__main__":
    typer.run(main)
