"""What the columns of a table are called, in every layout and language met.

Spotify's own names, those of the common collections, and the sixteen languages
that the Exportify web tool writes its headers in. Headers are compared without
case, accents and punctuation; `trackName` is `track name`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mopidy_moodcam.songs.match import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

# The better a header says what it means, the earlier it stands: where a table has
# both `track_uri` and `id`, the first one that holds something is taken.
HEADERS: dict[str, str] = {
    "uri": "track uri|spotify uri|uri|spotify track uri|Track-URI|URI du titre"
    "|URI de la canción|URI della traccia|URI da faixa|Nummer URI|Låtens URI"
    "|トラックURI|Parça URI|曲目 URI|URI κομματιού|رابط الأغنية (URI)",
    "spotify_id": "spotify id|spotify track id|track id|song id|id|track href|url"
    "|track url|spotify url|link",
    "isrc": "isrc",
    "title": "track name|song name|track|title|track title|song title|song|name"
    "|Track-Name|Trackname|Titel|Nom du titre|titre|Nombre de la canción|título"
    "|Nome della traccia|titolo|Nome da faixa|Nummernaam|Låtens namn|トラック名"
    "|Parça Adı|曲目名称|曲目名稱|Όνομα κομματιού|اسم الأغنية",  # noqa: RUF001
    "artist": "artist names|artist name(s)|artist(s) name|artist name|artists|artist"
    "|track artist|track artists|all artists|performer|Künstlername(n)|Künstler"
    "|Interpret|Nom(s) de l'artiste|artiste|Nombre(s) del artista|artista"
    "|Nome dell'artista|Nome(s) do artista|Naam van artiest|artiest|Artistens namn"
    "|アーティスト名|Sanatçı Adı|艺人名称|藝人名稱|Όνομα/τα καλλιτέχνη|أسماء الفنانين",  # noqa: RUF001
    "album": "album name|track album name|album|album title|Album-Name|Albumname"
    "|Nom de l'album|Nombre del álbum|Nome dell'album|Nome do álbum|Naam van album"
    "|Albumets namn|アルバム名|Albüm Adı|专辑名称|專輯名稱|Όνομα άλμπουμ|اسم الألبوم",  # noqa: RUF001
    "genre": "genre|genres|track genre|playlist genre|artist genres|album genres"
    "|top genre|Künstler-Genres|Album-Genres|Genres de l'artiste|Genres de l'album"
    "|Géneros del artista|Géneros del álbum|Generi dell'artista|Generi dell'album"
    "|Gêneros do artista|Gêneros do álbum|Genres van de artiest|Artistens genrer"
    "|アーティストジャンル|Sanatçı Türleri|艺人流派|Είδη καλλιτέχνη|أنواع الفنان",  # noqa: RUF001
    "year": "year|release year|released year|release date|album release date|album date"
    "|track album release date|Veröffentlichungsdatum des Albums"
    "|Date de sortie de l'album|Fecha de lanzamiento del álbum"
    "|Data di rilascio dell'album|Data de lançamento do álbum"
    "|Releasedatum van het album|Albumets releasedatum|アルバム発売日"
    "|Albüm Çıkış Tarihi|专辑发行日期|Ημερομηνία κυκλοφορίας άλμπουμ"  # noqa: RUF001
    "|تاريخ إصدار الألبوم",
    "duration_ms": "duration ms|track duration (ms)|length ms|Track-Dauer (ms)"
    "|Durée du titre (ms)|Duración de la canción (ms)"
    "|Durata della traccia (ms)|Duração da faixa (ms)|Nummerduur (ms)"
    "|Låtlängd (ms)|トラックの長さ（ミリ秒）|Parça Süresi (ms)|曲目时长（毫秒）"  # noqa: RUF001
    "|Διάρκεια κομματιού (ms)|مدة الأغنية (بالمللي ثانية)",
    "duration": "duration|track duration|length|length (duration)|time|dur",
    "danceability": "danceability|dance|dnce|Tanzbarkeit|Danseabilité|Bailabilidad"
    "|Ballabilità|Dançabilidade|Dansbaarheid|Dansbarhet|ダンサビリティ"
    "|Dans Edilebilirlik|舞蹈性|Χορευτικότητα|قابلية الرقص",
    "energy": "energy|nrgy|Energie|Énergie|Energía|Energia|Energi|エネルギー|Enerji"
    "|能量|Ενέργεια|الطاقة",
    "valence": "valence|happiness|happy|val|Valenz|Valencia|Valenza|Valência|Valentie"
    "|Valens|感情値|Duygusallık|情绪效价|Θετικότητα|الإيجابية",  # noqa: RUF001
    "acousticness": "acousticness|acoustic|acous|Akustik|Acoustique|Acústica|Acustica"
    "|Akoestiek|アコースティック性|Akustiklik|原声性|Ακουστικότητα|الطابع الصوتي",
    "instrumentalness": "instrumentalness|instrumental|Instrumentalität"
    "|Instrumentalidad|Strumentalità|Instrumentalidade|Instrumentaliteit"
    "|Instrumentalhet|インストゥルメンタル性|Enstrümantalite|器乐度"
    "|Οργανοκεντρικότητα|الطابع الآلي",
    "speechiness": "speechiness|speech|spch|Sprachanteil|Parlabilité|Hablado"
    "|Linguaggio parlato|Oralidade|Spraakzaamheid|Talighet|スピーチ性|Konuşma Oranı"  # noqa: RUF001
    "|语音度|Ομιλητικότητα|محتوى الكلام",
    "liveness": "liveness|live|Lebendigkeit|Vivacité|Vivacidad|Vivacità|Vivacidade"
    "|Levendigheid|Livlighet|ライブ感|Canlılık|现场感|Ζωντάνια|الحيوية",  # noqa: RUF001
    "loudness": "loudness|loudness db|loud db|db|Lautstärke|Volume sonore|Volumen"
    "|Volume|Luidheid|Ljudstyrka|ラウドネス|Ses Seviyesi|响度|Ένταση|مستوى الصوت",
    "tempo": "tempo|bpm|beats per minute|beats per minute (bpm)|テンポ|速度|Ρυθμός"
    "|الإيقاع",
    "key": "key|Tonart|Tonalité|Tonalidad|Chiave|Tonalidade|Toonsoort|キー|Ton|调性"
    "|Τονικότητα|المفتاح",
    "mode": "mode|Modus|Modo|Modalità|Läge|モード|Mod|调式|Τρόπος|النمط",
    "time_signature": "time signature|Taktart|Mesure|Compás|Battuta|Compasso"
    "|Maatstreep|拍子|Ölçü İşareti|拍号|Μέτρο|توقيع الزمن",
    "arousal": "arousal",
    "source": "feature source",
    "failed": "failed",
    "mtime": "mtime",
    "size": "size",
    "verdict": "verdict",
    "moved": "moved",
}

_FIELDS = {
    plain(name): (field, rank)
    for field, names in HEADERS.items()
    for rank, name in enumerate(names.split("|"))
}

_CAMEL = re.compile(r"(?<=[a-z]{2})(?=[A-Z])")  # two letters, so that `dB` stays whole


def columns_of(header: Sequence[str]) -> dict[str, list[int]]:
    """Return the columns that hold each field, the best one first."""
    found: dict[str, list[tuple[int, int]]] = {}
    for number, name in enumerate(header):
        field, rank = _FIELDS.get(plain(_CAMEL.sub(" ", name)), ("", 0))
        if field:
            found.setdefault(field, []).append((rank, number))
    return {
        field: [number for _, number in sorted(ranked)]
        for field, ranked in found.items()
    }
